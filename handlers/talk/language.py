def guess(text,hint,known): return hint if hint in known else None
