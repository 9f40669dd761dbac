using System;
using System.Collections.Generic;
using System.Diagnostics;
using UnityEngine;

namespace Voxrig.Face
{
    /// <summary>
    /// Drives a face by what comes in over UDP: Live Link Face packets (an iPhone, or voxrig's <c>livelink://</c>)
    /// or VMC (<c>vmc://</c>, and many VTuber tools).
    /// </summary>
    [AddComponentMenu("Voxrig/Face Receiver")]
    [DisallowMultipleComponent]
    public sealed class FaceReceiver : MonoBehaviour
    {
        public enum Protocol
        {
            LiveLink,
            Vmc,
        }

        [Tooltip("What the sender speaks.")]
        [SerializeField] private Protocol _protocol = Protocol.LiveLink;
        [Tooltip("UDP port; 0 is the protocol's own: 11111 for Live Link, 39539 for VMC.")]
        [SerializeField] private int _port;
        [Tooltip("Live Link subject to follow; empty is the first that is heard.")]
        [SerializeField] private string _subject = "";
        [Tooltip("Live Link angles are -1..1 for half a turn (Unreal's own iOS sender) instead of radians.")]
        [SerializeField] private bool _halfTurns;
        [Tooltip("Meshes whose blend shapes are driven; none is all below this object.")]
        [SerializeField] private SkinnedMeshRenderer[] _meshes = new SkinnedMeshRenderer[0];
        [Tooltip("Bone that turns with the head's angles; none leaves the head alone.")]
        [SerializeField] private Transform _head;
        [Tooltip("What looks along its z axis, for the head's turns; none is this object.")]
        [SerializeField] private Transform _body;
        [Tooltip("Milliseconds for which frames wait, so that late ones are in time.")]
        [Range(0, 500)]
        [SerializeField] private int _jitter = 50;
        [Tooltip("1 is as sent.")]
        [Range(0f, 2f)]
        [SerializeField] private float _strength = 1f;

        private readonly float[] _turn = new float[4];
        private Stopwatch _clock;
        private DatagramPort _datagrams;
        private FaceInbox _inbox;
        private FaceShapes _shapes;
        private HeadBone _bone;
        private float[] _row;
        private string[] _names = new string[0];

        /// <summary>The port that is open; 0 while disabled.</summary>
        public int Port
        {
            get { return _datagrams == null ? 0 : _datagrams.Port; }
        }

        /// <summary>Whether a frame came within the last second.</summary>
        public bool IsLive
        {
            get { return _inbox != null && _inbox.IsLive(_clock.Elapsed.TotalSeconds, 1d); }
        }

        /// <summary>Counts since it was enabled; null while disabled.</summary>
        public FaceInbox Inbox
        {
            get { return _inbox; }
        }

        /// <summary>Names of the curves: of Live Link, or those heard so far of VMC.</summary>
        public IReadOnlyList<string> Curves
        {
            get { return _names.Length > 0 || _protocol == Protocol.Vmc ? _names : LiveLinkCurves.Names(); }
        }

        /// <summary>Takes other settings; call it while disabled.</summary>
        public void Configure(Protocol protocol, int port, string subject = "")
        {
            if (_datagrams != null)
            {
                throw new InvalidOperationException("disable the receiver before it is configured");
            }
            _protocol = protocol;
            _port = port;
            _subject = subject;
        }

        /// <summary>The meshes that are driven.</summary>
        public SkinnedMeshRenderer[] Meshes()
        {
            return _meshes.Length > 0 ? _meshes : GetComponentsInChildren<SkinnedMeshRenderer>();
        }

        private void OnEnable()
        {
            _clock = Stopwatch.StartNew();
            var source = _protocol == Protocol.Vmc ? new VmcSource() : (IFaceSource)new LiveLinkSource(_subject, _halfTurns);
            _inbox = new FaceInbox(source, _jitter / 1000d);
            _row = new float[_inbox.Width];
            _names = new string[0];
            var port = _port > 0 ? _port : _protocol == Protocol.Vmc ? 39539 : 11111;
            try
            {
                _datagrams = new DatagramPort(port, Put);
            }
            catch (System.Net.Sockets.SocketException error)
            {
                UnityEngine.Debug.LogError("voxrig: UDP port " + port + " cannot be opened: " + error.Message, this);
                enabled = false;
                return;
            }
            if (_head != null)
            {
                _bone = new HeadBone(_head, _body != null ? _body : transform);
            }
        }

        private void OnDisable()
        {
            if (_datagrams != null)
            {
                _datagrams.Dispose();
            }
            if (_shapes != null)
            {
                _shapes.Restore();
            }
            if (_bone != null)
            {
                _bone.Restore();
            }
            _datagrams = null;
            _shapes = null;
            _bone = null;
            _inbox = null;
        }

        private void Put(byte[] data, int count)
        {
            var inbox = _inbox;
            if (inbox != null)
            {
                inbox.Put(data, count, _clock.Elapsed.TotalSeconds);
            }
        }

        // After the animator has had its say.
        private void LateUpdate()
        {
            var names = _inbox.NewNames(_names.Length);
            if (names != null)
            {
                if (_shapes != null)
                {
                    _shapes.Restore();
                }
                _names = names;
                _shapes = new FaceShapes(names, Meshes());
            }
            if (_shapes == null || !_inbox.TryGet(_clock.Elapsed.TotalSeconds, _row))
            {
                return;
            }
            _shapes.Show(_row, _strength);
            if (_bone != null && _inbox.TryHead(_row, _turn))
            {
                _bone.Turn(new Quaternion(_turn[0], _turn[1], _turn[2], _turn[3]));
            }
        }
    }
}
