using UnityEngine;

namespace Voxrig.Face
{
    /// <summary>
    /// A head's bone and its pose at rest. Turns are about the axes of the body, whichever way the bone's own
    /// axes point.
    /// </summary>
    public sealed class HeadBone
    {
        private readonly Transform _bone;
        private readonly Quaternion _rest;
        private readonly Quaternion _fromBody;
        private readonly Quaternion _toBody;

        /// <param name="body">What looks along its z: usually the character's root.</param>
        public HeadBone(Transform bone, Transform body)
        {
            _bone = bone;
            _rest = bone.localRotation;
            var parent = bone.parent == null ? Quaternion.identity : bone.parent.rotation;
            _toBody = Quaternion.Inverse(body.rotation) * parent;
            _fromBody = Quaternion.Inverse(_toBody);
        }

        public void Turn(Quaternion turn)
        {
            if (_bone != null)
            {
                _bone.localRotation = _fromBody * turn * _toBody * _rest;
            }
        }

        public void Restore()
        {
            if (_bone != null)
            {
                _bone.localRotation = _rest;
            }
        }
    }
}
