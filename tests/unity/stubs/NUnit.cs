// What the package's own tests use of NUnit, enough to compile and run them.
using System;
using System.Collections;

namespace NUnit.Framework
{
    public sealed class TestAttribute : Attribute { }

    public static class Assert
    {
        public static void IsTrue(bool value) { Check(value, "not true"); }
        public static void IsFalse(bool value) { Check(!value, "not false"); }
        public static void AreEqual(double a, double b, double within) { Check(Math.Abs(a - b) <= within, a + " is not " + b); }

        public static void AreEqual(object a, object b)
        {
            Check(StructuralComparisons.StructuralEqualityComparer.Equals(a, b), a + " is not " + b);
        }

        private static void Check(bool holds, string otherwise)
        {
            if (!holds) throw new InvalidOperationException(otherwise);
        }
    }
}
