from typing import Protocol


class Store(Protocol):
    def write(self, r): ...
