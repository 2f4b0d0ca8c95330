from dataclasses import dataclass
@dataclass(frozen=True)
class Entry:
    id: str
    keywords: tuple
def find(text, entries): return None
