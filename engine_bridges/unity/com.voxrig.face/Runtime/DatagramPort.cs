using System;
using System.Net;
using System.Net.Sockets;
using System.Threading;

namespace Voxrig.Face
{
    /// <summary>A UDP port and the thread that hears it. Disposing closes the port and ends the thread.</summary>
    public sealed class DatagramPort : IDisposable
    {
        private const int Largest = 65536;
        private const int ReceiveBuffer = 1 << 18; // bytes the system keeps while the thread is elsewhere

        private readonly Socket _socket;
        private readonly Thread _thread;
        private readonly Action<byte[], int> _take;
        private volatile bool _closed;

        /// <param name="port">0 is any free one.</param>
        /// <param name="take">Hears each datagram on the port's thread; the bytes are only lent.</param>
        public DatagramPort(int port, Action<byte[], int> take)
        {
            _take = take;
            _socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            try
            {
                _socket.ReceiveBufferSize = ReceiveBuffer;
                _socket.Bind(new IPEndPoint(IPAddress.Any, port));
                Port = ((IPEndPoint)_socket.LocalEndPoint).Port;
            }
            catch
            {
                _socket.Close();
                throw;
            }
            _thread = new Thread(Listen) { IsBackground = true, Name = "voxrig port " + Port };
            _thread.Start();
        }

        public int Port { get; }

        public void Dispose()
        {
            if (_closed)
            {
                return;
            }
            _closed = true;
            _socket.Close();
            _thread.Join(1000);
        }

        private void Listen()
        {
            var data = new byte[Largest];
            while (!_closed)
            {
                int count;
                try
                {
                    // Not every system wakes a thread whose socket is closed, so it looks up now and then.
                    if (!_socket.Poll(100000, SelectMode.SelectRead))
                    {
                        continue;
                    }
                    count = _socket.Receive(data);
                }
                catch (SocketException)
                {
                    // Windows tells so of datagrams that others refused; a closed port ends the loop.
                    Thread.Sleep(1);
                    continue;
                }
                catch (ObjectDisposedException)
                {
                    return;
                }
                _take(data, count);
            }
        }
    }
}
