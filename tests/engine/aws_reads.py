"""A provider for `aws` in front of the emulator that answers the reads of an import from moto.

The emulator answers a read with the inputs of the request, and an import sends none.
"""

# gRPC and boto3 make their clients at run time.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

import contextlib
import os
from collections.abc import Generator
from concurrent import futures
from typing import Any, cast

import boto3
import grpc
from botocore.exceptions import ClientError
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import provider_pb2

READ = "/pulumirpc.ResourceProvider/Read"
BUCKET = "aws:s3/bucket:Bucket"


class _Reads(grpc.GenericRpcHandler):
    """Forwards every call except reads of an import."""

    def __init__(self, behind: grpc.Channel) -> None:
        self._behind = behind
        self._s3: Any = cast(Any, boto3).client(
            "s3",
            endpoint_url=os.environ["LAB_AWS_ENDPOINT"],
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def service(self, handler_call_details: Any) -> Any:
        method = handler_call_details.method
        forward = self._behind.unary_unary(method)

        def answer(request: bytes, context: Any) -> bytes:
            if method == READ:
                asked = provider_pb2.ReadRequest.FromString(request)
                if not asked.inputs.fields:
                    return self._found(asked).SerializeToString()
            return forward(request)

        return grpc.unary_unary_rpc_method_handler(answer)

    def _found(self, asked: Any) -> Any:
        """Return the name of a bucket or of its configuration; nothing if the bucket is gone."""
        try:
            self._s3.head_bucket(Bucket=asked.id)
        except ClientError:
            return provider_pb2.ReadResponse(id="")
        inputs = Struct()
        inputs.update({"bucket": asked.id})
        properties = Struct()
        properties.update({"bucket": asked.id, "arn": f"arn:aws:s3:::{asked.id}"})
        return provider_pb2.ReadResponse(id=asked.id, inputs=inputs, properties=properties)


@contextlib.contextmanager
def providers() -> Generator[str]:
    """Serve the provider; yield a value for PULUMI_DEBUG_PROVIDERS."""
    named = dict(part.split(":") for part in os.environ["PULUMI_DEBUG_PROVIDERS"].split(","))
    behind = grpc.insecure_channel(f"127.0.0.1:{named['aws']}")
    server = grpc.server(futures.ThreadPoolExecutor(8))
    server.add_generic_rpc_handlers([_Reads(behind)])
    named["aws"] = str(server.add_insecure_port("127.0.0.1:0"))
    server.start()
    yield ",".join(f"{name}:{port}" for name, port in named.items())
    server.stop(None).wait()
    behind.close()
