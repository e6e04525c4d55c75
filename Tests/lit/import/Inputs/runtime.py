"""ONNX Runtime as the tests use it."""

import onnxruntime


def session(path, optimizes=True):
    """A session of one thread: lit runs as many tests at once as there are cores, and waiting threads take them.

    Without optimization a model is computed as its file says, with no kernels that are others on every machine.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    if not optimizes:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
