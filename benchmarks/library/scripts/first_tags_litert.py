"""first_tags_litert.py RUNTIME MODEL THREADS PHOTO...: numpy, OpenCV and LiteRT alone.

RUNTIME is the module of the interpreter, the one that edge_tagger takes on this machine.
"""

import importlib
import sys
from typing import Any


def main(runtime: str, model: str, threads: str, *photos: str) -> None:
    import cv2
    import numpy as np

    interpreter = importlib.import_module(runtime).Interpreter(model_path=model, num_threads=int(threads))
    interpreter.allocate_tensors()
    taken, given = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    size = int(taken["shape"][1])
    for photo in photos:
        pixels: Any = cv2.imread(photo)
        pixels = cv2.resize(pixels, (size, size))[np.newaxis, :, :, ::-1]
        interpreter.set_tensor(taken["index"], pixels.astype(taken["dtype"]))
        interpreter.invoke()
        print("the best is", interpreter.get_tensor(given["index"])[0].argmax(), flush=True)
        input()


if __name__ == "__main__":
    main(*sys.argv[1:])
