// What the package uses of UnityEditor, enough to compile it.
using System;
using UnityEngine;

namespace UnityEditor
{
    public class Editor
    {
        public UnityEngine.Object target;
        public virtual void OnInspectorGUI() { }
        public virtual bool RequiresConstantRepaint() { return false; }
        public bool DrawDefaultInspector() { return false; }
    }

    public sealed class CustomEditor : Attribute
    {
        public CustomEditor(Type type) { }
    }

    public enum MessageType
    {
        None,
        Info,
        Warning,
        Error,
    }

    public static class EditorGUILayout
    {
        public static void HelpBox(string text, MessageType type) { }
        public static bool Foldout(bool open, string text) { return open; }
    }
}
