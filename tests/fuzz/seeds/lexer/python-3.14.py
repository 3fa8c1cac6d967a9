t"Hello {name}!"

t"{x!r:>{width}}"

rt"\d{x}" Tr"\{y}"

t"{x = }{y + 1=!s}"

t"{ x }{(y)}{'z'}"

t"a" t"{b}c" t"d"

t"{f"{x}"}{t"{y}"}"

try: pass
except A, B: pass
except (C, D) as e: pass
except: pass

try: pass
except* A, B.c, D: pass

try: pass
except A,: pass
except B, C,: pass

try: pass
except A, B as e: pass

t"a" "b"
