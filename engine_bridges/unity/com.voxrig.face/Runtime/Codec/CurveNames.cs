using System.Collections.Generic;
using System.Text;

namespace Voxrig.Face
{
    /// <summary>
    /// Which curve moves which blend shape, by name: "mouthSmileLeft" moves "MouthSmileLeft", "mouthSmile_L",
    /// "blendShape1.mouthSmile_L" and "Face_mouthSmileLeft".
    /// </summary>
    /// <remarks>
    /// Case and separators do not count; a last L or R set apart is Left or Right; words before a separator are
    /// prefixes and may be left away on either side. Where a shape has a curve's whole name, shapes that have it
    /// only after a prefix stay still, and so do those with the longer of two prefixes.
    /// </remarks>
    public static class CurveNames
    {
        /// <summary>The index of the curve for each shape, -1 for none.</summary>
        public static int[] Match(IReadOnlyList<string> curves, IReadOnlyList<string> shapes)
        {
            var known = new Dictionary<string, int>();
            for (var i = 0; i < curves.Count; i++)
            {
                // A curve's own prefix, as in CTRL_expressions_jawOpen, is left away last: whole names come first.
                var keys = Keys(curves[i]);
                AddNew(known, keys[0], i);
            }
            for (var i = 0; i < curves.Count; i++)
            {
                if (curves[i].StartsWith("CTRL_", System.StringComparison.OrdinalIgnoreCase))
                {
                    var keys = Keys(curves[i]);
                    AddNew(known, keys[keys.Count - 1], i);
                }
            }
            var found = new int[shapes.Count];
            var ranks = new int[shapes.Count];
            var best = new int[curves.Count];
            for (var i = 0; i < best.Length; i++)
            {
                best[i] = int.MaxValue;
            }
            for (var i = 0; i < shapes.Count; i++)
            {
                found[i] = -1;
                var keys = Keys(shapes[i]);
                for (var rank = 0; rank < keys.Count && found[i] < 0; rank++)
                {
                    if (known.TryGetValue(keys[rank], out var curve))
                    {
                        found[i] = curve;
                        ranks[i] = rank;
                        best[curve] = System.Math.Min(best[curve], rank);
                    }
                }
            }
            for (var i = 0; i < shapes.Count; i++)
            {
                if (found[i] >= 0 && ranks[i] > best[found[i]])
                {
                    found[i] = -1;
                }
            }
            return found;
        }

        /// <summary>What is compared: the whole name first, then without its first word, its first two …</summary>
        public static List<string> Keys(string name)
        {
            var words = name.Split(_separators, System.StringSplitOptions.RemoveEmptyEntries);
            var keys = new List<string>();
            for (var first = 0; first < words.Length; first++)
            {
                var key = Key(words, first);
                // The side alone names nothing.
                if (key.Length > 0 && (first == 0 || key != "left" && key != "right"))
                {
                    keys.Add(key);
                }
            }
            if (keys.Count == 0)
            {
                keys.Add("");
            }
            return keys;
        }

        private static readonly char[] _separators = { '.', ':', '|', '_', '-', ' ' };

        private static string Key(string[] words, int first)
        {
            var key = new StringBuilder();
            for (var i = first; i < words.Length; i++)
            {
                var word = words[i];
                var last = i == words.Length - 1;
                if (last && i > first && (word == "L" || word == "l"))
                {
                    key.Append("left");
                }
                else if (last && i > first && (word == "R" || word == "r"))
                {
                    key.Append("right");
                }
                else if (last && EndsInSide(word))
                {
                    key.Append(word, 0, word.Length - 1).Append(word[word.Length - 1] == 'L' ? "left" : "right");
                }
                else
                {
                    key.Append(word);
                }
            }
            return key.ToString().ToLowerInvariant();
        }

        /// <summary>As in eyeBlinkL: a capital after a small letter.</summary>
        private static bool EndsInSide(string word)
        {
            return word.Length > 2 && (word[word.Length - 1] == 'L' || word[word.Length - 1] == 'R')
                && char.IsLower(word[word.Length - 2]);
        }

        private static void AddNew(Dictionary<string, int> known, string key, int curve)
        {
            if (!known.ContainsKey(key))
            {
                known.Add(key, curve);
            }
        }
    }
}
