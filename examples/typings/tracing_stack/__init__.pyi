# What the installed package `tracing_stack` holds, for the type checker in this repository.
from components import *
