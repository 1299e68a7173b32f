"""Asks a server as its users do: with Triton's clients for Python.

triton_clients.py HTTP_PORT GRPC_PORT IMAGE

The server has the model `light`, whose class is where the light is in 2 x 2 pixels; in the image, it is in the second
corner. Prints what was asked, a line each.
"""

import base64
import sys

import numpy as np
import tritonclient.grpc
import tritonclient.http
from tritonclient.grpc import service_pb2, service_pb2_grpc
from tritonclient.utils import InferenceServerException

http_port, grpc_port, image_path = sys.argv[1:]
pixels = np.array([[10, 200, 0, 30], [255, 1, 2, 3]]).reshape(2, 1, 2, 2)
with open(image_path, "rb") as file:
    image = file.read()


def answer_of(examples):
    logits = 4.0 * examples.reshape(len(examples), 4) / 255
    exponentials = np.exp(logits - logits.max(1, keepdims=True))
    return exponentials / exponentials.sum(1, keepdims=True)


def done(*what):
    print(*what, flush=True)


def refused(task, *words):
    try:
        task()
    except InferenceServerException as error:
        for word in words:
            assert word in str(error), str(error)
        return
    raise AssertionError(f"not refused: {words}")


numbers = {
    "UINT8": np.uint8, "UINT16": np.uint16, "UINT32": np.uint32, "UINT64": np.uint64,
    "INT16": np.int16, "INT32": np.int32, "INT64": np.int64,
    "FP16": np.float16, "FP32": np.float32, "FP64": np.float64,
}  # fmt: skip


def server(kind, client):
    assert client.is_server_live() and client.is_server_ready() and client.is_model_ready("light")
    as_json = {"as_json": True} if kind == "grpc" else {}
    assert client.get_server_metadata(**as_json)["name"] == "bn"
    metadata = client.get_model_metadata("light", **as_json)
    assert metadata["inputs"][0]["datatype"] == "UINT8", metadata
    config = client.get_model_config("light", **as_json)
    config = config.get("config", config)
    assert config["max_batch_size"] == 64 and config["input"][0]["data_type"] == "TYPE_UINT8", config
    done(kind, "live, ready, metadata, config")


def statistics(kind, client):
    as_json = {"as_json": True} if kind == "grpc" else {}
    statistics = lambda *model: client.get_inference_statistics(*model, **as_json)["model_stats"]
    count = lambda: int(statistics("light")[0].get("inference_count", 0))
    tensor = module(kind).InferInput("features", [2, 1, 2, 2], "UINT8")
    tensor.set_data_from_numpy(pixels.astype(np.uint8))
    before = count()
    client.infer("light", [tensor])
    assert count() == before + 2
    assert len(statistics()) == 1
    done(kind, "statistics")


def module(kind):
    return tritonclient.http if kind == "http" else tritonclient.grpc


def infers(kind, client, tensor, expected, binary=True, **options):
    output = (
        tritonclient.http.InferRequestedOutput("probabilities", binary_data=binary)
        if kind == "http"
        else tritonclient.grpc.InferRequestedOutput("probabilities")
    )
    result = client.infer("light", [tensor], outputs=[output], request_id="7", **options)
    np.testing.assert_allclose(result.as_numpy("probabilities"), expected, atol=1e-5)
    everything = client.infer("light", [tensor], **options)
    np.testing.assert_allclose(everything.as_numpy("probabilities"), expected, atol=1e-5)
    assert everything.as_numpy("logits").dtype == np.float32


def datatypes(kind, client):
    for datatype, dtype in numbers.items():
        tensor = module(kind).InferInput("features", [2, 1, 2, 2], datatype)
        for binary in [True, False] if kind == "http" else [True]:
            tensor.set_data_from_numpy(pixels.astype(dtype), **({"binary_data": binary} if kind == "http" else {}))
            infers(kind, client, tensor, answer_of(pixels), binary)
    done(kind, *numbers)
    for shape in [[2], [2, 1]]:
        tensor = module(kind).InferInput("features", shape, "BYTES")
        tensor.set_data_from_numpy(np.array([image, image], dtype=object).reshape(shape))
        light = answer_of(np.array([[0, 255, 0, 0]] * 2))
        infers(kind, client, tensor, light)
        if kind == "http":
            text = base64.b64encode(image)
            tensor.set_data_from_numpy(np.array([text, text], dtype=object).reshape(shape), binary_data=False)
            infers(kind, client, tensor, light, False)
    done(kind, "BYTES")


def compression(kind, client):
    many = np.repeat(pixels, 1000, 0).astype(np.uint8)
    tensor = module(kind).InferInput("features", list(many.shape), "UINT8")
    for algorithm in ["gzip", "deflate"]:
        if kind == "grpc":
            tensor.set_data_from_numpy(many)
            infers(kind, client, tensor, answer_of(many), compression_algorithm=algorithm)
            continue
        for binary in [True, False]:
            tensor.set_data_from_numpy(many, binary_data=binary)
            both = {"request_compression_algorithm": algorithm, "response_compression_algorithm": algorithm}
            infers(kind, client, tensor, answer_of(many), binary, **both)
    done(kind, "gzip, deflate")


def refusals(kind, client):
    tensor = module(kind).InferInput("features", [1, 4], "UINT8")
    tensor.set_data_from_numpy(np.zeros([1, 4], np.uint8))
    code = {"http": "400", "grpc": "INVALID_ARGUMENT"}[kind]
    refused(lambda: client.infer("light", [tensor]), code, "expected shape [batch, 1, 2, 2]")
    code = {"http": "404", "grpc": "NOT_FOUND"}[kind]
    refused(lambda: client.infer("dark", [tensor]), code, "there is no model 'dark'")
    done(kind, "refusals")


def repository(kind, client):
    index = lambda: client.get_model_repository_index()
    state = lambda: (index() if kind == "http" else [dict(name=m.name, state=m.state) for m in index().models])[0]["state"]
    assert state() == "READY"
    client.unload_model("light")
    assert state() == "UNAVAILABLE"
    refused(lambda: client.get_model_metadata("light"), "model 'light' is not loaded")
    client.load_model("light")
    assert state() == "READY" and client.is_model_ready("light")
    refused(lambda: client.load_model("light", config="{}"), "a model is what its file says")
    done(kind, "repository")


def contents():
    """Messages with typed contents, which Triton's client does not send."""
    with tritonclient.grpc.grpc.insecure_channel(f"127.0.0.1:{grpc_port}") as channel:
        stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
        for datatype, field in [("UINT8", "uint_contents"), ("INT64", "int64_contents"), ("FP32", "fp32_contents")]:
            request = service_pb2.ModelInferRequest(model_name="light")
            tensor = request.inputs.add(name="features", datatype=datatype, shape=pixels.shape)
            getattr(tensor.contents, field).extend(pixels.flatten().tolist())
            response = stub.ModelInfer(request)
            raw = np.frombuffer(response.raw_output_contents[1], np.float32).reshape(2, 4)
            np.testing.assert_allclose(raw, answer_of(pixels), atol=1e-5)
    done("grpc", "contents")


clients = {
    "http": tritonclient.http.InferenceServerClient(f"127.0.0.1:{http_port}"),
    "grpc": tritonclient.grpc.InferenceServerClient(f"127.0.0.1:{grpc_port}"),
}
for kind, client in clients.items():
    for check in [server, statistics, datatypes, compression, refusals, repository]:
        check(kind, client)
contents()
