// What the package uses of UnityEngine, enough to compile it and to run its components without Unity.
using System;
using System.Collections.Generic;

namespace UnityEngine
{
    public class Object
    {
        public string name = "";
        public bool Destroyed;

        public static bool operator ==(Object a, Object b)
        {
            var noA = ReferenceEquals(a, null) || a.Destroyed;
            var noB = ReferenceEquals(b, null) || b.Destroyed;
            return noA || noB ? noA == noB : ReferenceEquals(a, b);
        }

        public static bool operator !=(Object a, Object b) { return !(a == b); }
        public override bool Equals(object other) { return ReferenceEquals(this, other); }
        public override int GetHashCode() { return 0; }
    }

    public sealed class GameObject : Object
    {
        public readonly List<Component> Parts = new List<Component>();
        public readonly Transform transform;

        public GameObject()
        {
            transform = Add<Transform>();
        }

        public T Add<T>() where T : Component, new()
        {
            var part = new T { gameObject = this };
            Parts.Add(part);
            return part;
        }
    }

    public class Component : Object
    {
        public GameObject gameObject;
        public Transform transform { get { return gameObject.transform; } }

        public T GetComponent<T>() where T : class
        {
            foreach (var part in gameObject.Parts)
            {
                if (part is T) return part as T;
            }
            return null;
        }

        public T[] GetComponentsInChildren<T>() where T : class
        {
            var found = new List<T>();
            foreach (var part in gameObject.Parts)
            {
                if (part is T) found.Add(part as T);
            }
            return found.ToArray();
        }
    }

    public class Behaviour : Component
    {
        public bool enabled = true;
    }

    public class MonoBehaviour : Behaviour { }

    public class Transform : Component
    {
        public Quaternion localRotation = Quaternion.identity;
        public Transform parent;
        public Quaternion rotation { get { return parent == null ? localRotation : parent.rotation * localRotation; } }
    }

    public struct Quaternion
    {
        public float x, y, z, w;

        public Quaternion(float x, float y, float z, float w)
        {
            this.x = x;
            this.y = y;
            this.z = z;
            this.w = w;
        }

        public static Quaternion identity { get { return new Quaternion(0f, 0f, 0f, 1f); } }
        public static Quaternion Inverse(Quaternion q) { return new Quaternion(-q.x, -q.y, -q.z, q.w); }

        public static Quaternion operator *(Quaternion a, Quaternion b)
        {
            return new Quaternion(
                a.w * b.x + a.x * b.w + a.y * b.z - a.z * b.y,
                a.w * b.y + a.y * b.w + a.z * b.x - a.x * b.z,
                a.w * b.z + a.z * b.w + a.x * b.y - a.y * b.x,
                a.w * b.w - a.x * b.x - a.y * b.y - a.z * b.z);
        }
    }

    public static class Mathf
    {
        public static float Clamp01(float value) { return value < 0f ? 0f : value > 1f ? 1f : value; }
    }

    public sealed class Mesh : Object
    {
        public string[] Shapes = new string[0];
        public float Full = 100f;
        public int blendShapeCount { get { return Shapes.Length; } }
        public string GetBlendShapeName(int shape) { return Shapes[shape]; }
        public int GetBlendShapeFrameCount(int shape) { return 1; }
        public float GetBlendShapeFrameWeight(int shape, int frame) { return Full; }
    }

    public sealed class SkinnedMeshRenderer : Component
    {
        public Mesh sharedMesh;
        public readonly Dictionary<int, float> Weights = new Dictionary<int, float>();
        public float GetBlendShapeWeight(int shape) { return Weights.TryGetValue(shape, out var weight) ? weight : 0f; }
        public void SetBlendShapeWeight(int shape, float weight) { Weights[shape] = weight; }
    }

    public sealed class AudioClip : Object
    {
        public float[] Data = new float[0];
        public int channels = 1;
        public int frequency = 16000;
        public int samples { get { return Data.Length / channels; } }

        public bool GetData(float[] data, int offset)
        {
            for (var i = 0; i < data.Length; i++)
            {
                data[i] = Data[(offset * channels + i) % Data.Length];
            }
            return true;
        }
    }

    public sealed class AudioSource : Behaviour
    {
        public AudioClip clip;
        public int timeSamples;
        public bool Playing;
        public bool isPlaying { get { return Playing; } }
        public void Play() { Playing = true; }
        public void Stop() { Playing = false; }
    }

    public static class AudioSettings
    {
        public static int outputSampleRate { get { return 48000; } }

        public static void GetDSPBufferSize(out int length, out int buffers)
        {
            length = 480;
            buffers = 2;
        }
    }

    public static class Microphone
    {
        public static AudioClip Start(string device, bool loop, int seconds, int rate)
        {
            return new AudioClip { Data = new float[seconds * rate], frequency = rate };
        }

        public static int GetPosition(string device) { return 0; }
        public static void End(string device) { }
    }

    public static class Application
    {
        public static bool isPlaying { get { return true; } }
    }

    public static class Debug
    {
        public static void LogError(object message, Object of) { Console.Error.WriteLine(message); }
        public static void LogWarning(object message, Object of) { Console.Error.WriteLine(message); }
    }

    public sealed class SerializeField : Attribute { }
    public sealed class DisallowMultipleComponent : Attribute { }
    public sealed class TooltipAttribute : Attribute { public TooltipAttribute(string text) { } }
    public sealed class RangeAttribute : Attribute { public RangeAttribute(float low, float high) { } }
    public sealed class AddComponentMenu : Attribute { public AddComponentMenu(string path) { } }
    public sealed class ContextMenu : Attribute { public ContextMenu(string name) { } }
    public sealed class RequireComponent : Attribute { public RequireComponent(Type type) { } }
}
