"""``voxrig health``: whether a service is well, for containers and scripts."""

from __future__ import annotations

import argparse


def add(parser: argparse.ArgumentParser) -> None:
    """The words of the verb."""
    parser.description = "Asks a server whether it takes streams. Exit code 0 if so, else 2. Needs no key."
    parser.add_argument("address", nargs="?", default="127.0.0.1:52000", metavar="HOST:PORT")
    parser.add_argument("--ca", metavar="PEM", help="authority of the server's certificate")
    parser.add_argument(
        "--name", metavar="HOST", help="in the certificate, where it is not that of the address"
    )
    parser.add_argument("--cert", metavar="PEM", help="certificate of ours, where the server asks for one")
    parser.add_argument("--key", metavar="PEM", help="key of that certificate")


def run(args: argparse.Namespace) -> int:
    """Raises VoxrigError where all is not well."""
    import os

    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    import grpc
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    from voxrig.client.access import Access
    from voxrig.errors import VoxrigError

    access = Access(args.address, ca=args.ca, certificate=args.cert, private_key=args.key)
    options = [("grpc.ssl_target_name_override", args.name)] if args.name else []
    secret = access.credentials()
    if secret is None:
        channel = grpc.insecure_channel(args.address, options)
    else:
        channel = grpc.secure_channel(args.address, secret, options)
    with channel:
        try:
            ask = health_pb2_grpc.HealthStub(channel).Check
            status = ask(health_pb2.HealthCheckRequest(), timeout=access.timeout).status
        except grpc.RpcError as error:
            raise access.fault(error) from error
    name = health_pb2.HealthCheckResponse.ServingStatus.Name(status)
    if status != health_pb2.HealthCheckResponse.SERVING:
        raise VoxrigError(f"{args.address}: {name}")
    print(f"{args.address}: {name}")
    return 0
