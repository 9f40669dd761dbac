using System.Collections.Generic;
using UnityEngine;

namespace Voxrig.Face
{
    /// <summary>The blend shapes of some meshes, and which curve moves which.</summary>
    public sealed class FaceShapes
    {
        private struct Shape
        {
            public SkinnedMeshRenderer Mesh;
            public int Index;
            public int Curve;
            /// <summary>Weight at which the shape is whole: 100, or 1 from some importers.</summary>
            public float Full;
            /// <summary>Weight before we came.</summary>
            public float Before;
        }

        private readonly Shape[] _shapes;
        private readonly List<string> _missing = new List<string>();

        public FaceShapes(IReadOnlyList<string> curves, IReadOnlyList<SkinnedMeshRenderer> meshes)
        {
            var shapes = new List<Shape>();
            var moved = new bool[curves.Count];
            for (var i = 0; i < meshes.Count; i++)
            {
                if (meshes[i] == null || meshes[i].sharedMesh == null)
                {
                    continue;
                }
                var mesh = meshes[i].sharedMesh;
                var names = new string[mesh.blendShapeCount];
                for (var shape = 0; shape < names.Length; shape++)
                {
                    names[shape] = mesh.GetBlendShapeName(shape);
                }
                var found = CurveNames.Match(curves, names);
                for (var shape = 0; shape < names.Length; shape++)
                {
                    if (found[shape] < 0)
                    {
                        continue;
                    }
                    moved[found[shape]] = true;
                    shapes.Add(new Shape
                    {
                        Mesh = meshes[i],
                        Index = shape,
                        Curve = found[shape],
                        Full = mesh.GetBlendShapeFrameWeight(shape, mesh.GetBlendShapeFrameCount(shape) - 1),
                        Before = meshes[i].GetBlendShapeWeight(shape),
                    });
                }
            }
            _shapes = shapes.ToArray();
            for (var i = 0; i < curves.Count; i++)
            {
                if (!moved[i])
                {
                    _missing.Add(curves[i]);
                }
            }
        }

        /// <summary>Shapes that a curve moves.</summary>
        public int Count
        {
            get { return _shapes.Length; }
        }

        /// <summary>Curves that move no shape.</summary>
        public IReadOnlyList<string> Missing
        {
            get { return _missing; }
        }

        /// <summary>"mesh: shape ← curve" of one shape, for people.</summary>
        public string Describe(int i, IReadOnlyList<string> curves)
        {
            var shape = _shapes[i];
            return shape.Mesh.name + ": " + shape.Mesh.sharedMesh.GetBlendShapeName(shape.Index) + " \u2190 "
                + curves[shape.Curve];
        }

        /// <summary>Values 0..1 in the order of the curves, times <paramref name="strength"/>.</summary>
        public void Show(float[] values, float strength)
        {
            for (var i = 0; i < _shapes.Length; i++)
            {
                var shape = _shapes[i];
                if (shape.Mesh != null) // destroyed meshes are equal to null
                {
                    shape.Mesh.SetBlendShapeWeight(shape.Index, Mathf.Clamp01(values[shape.Curve] * strength) * shape.Full);
                }
            }
        }

        /// <summary>The weights from before.</summary>
        public void Restore()
        {
            for (var i = 0; i < _shapes.Length; i++)
            {
                if (_shapes[i].Mesh != null)
                {
                    _shapes[i].Mesh.SetBlendShapeWeight(_shapes[i].Index, _shapes[i].Before);
                }
            }
        }
    }
}
