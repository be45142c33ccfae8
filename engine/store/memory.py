class MemoryStore:
    def write(self, r): pass
