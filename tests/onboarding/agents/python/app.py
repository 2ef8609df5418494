"""A service that answers each request with a price; cart.py is the document's."""

# pyright: reportMissingImports=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

import os

from cart import price
from flask import Flask

app = Flask("cart")


@app.get("/price")
def answer() -> str:
    return str(price(3))


app.run("127.0.0.1", int(os.environ["PORT"]))
