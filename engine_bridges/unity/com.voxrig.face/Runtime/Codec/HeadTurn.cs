using System;

namespace Voxrig.Face
{
    /// <summary>
    /// A head's angles as a rotation in Unity's axes: left-handed, y up, z out of the face.
    /// </summary>
    /// <remarks>
    /// voxrig's yaw + turns to the subject's right, pitch + looks down, roll + tips to the right shoulder; the head
    /// turns by roll, then pitch, then yaw about axes fixed to the body. That is the order of Quaternion.Euler,
    /// and its signs but for roll.
    /// </remarks>
    public static class HeadTurn
    {
        /// <summary>Radians to x y z w.</summary>
        public static void FromAngles(float yaw, float pitch, float roll, float[] into)
        {
            double sx = Math.Sin(pitch / 2d), cx = Math.Cos(pitch / 2d);
            double sy = Math.Sin(yaw / 2d), cy = Math.Cos(yaw / 2d);
            double sz = Math.Sin(-roll / 2d), cz = Math.Cos(-roll / 2d);
            into[0] = (float)(cy * sx * cz + sy * cx * sz);
            into[1] = (float)(sy * cx * cz - cy * sx * sz);
            into[2] = (float)(cy * cx * sz - sy * sx * cz);
            into[3] = (float)(cy * cx * cz + sy * sx * sz);
        }
    }
}
