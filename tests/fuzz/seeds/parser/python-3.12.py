
type X = int

type Y[T, *Ts, **P] = Callable[P, tuple[T, *Ts]]

type Z[T: int, U: (int, str)] = dict[T, U]

def f[T: int](a: T) -> T: pass

async def g[*Ts](*args: *Ts): pass

class A[T](B[T], metaclass=M): pass

class A[T]: pass

type = type(x)
type[int]
type: int
type.x = type
type(type)
print(type, match, case)

x = 1; type Y = int

f'{a['x']} {f'{b}'}'

f"{"\n".join(x)}"

f"{
    a  # why
    + b
}"

f"{x:{y:>{z}}}"

f"{{a}}{b}}}"

rf"\d{x}\{y}"

f"{x = }{y=!s}{z=:>3}"

f"{a!r}{a!s}{a!a:>5}"

f"{(lambda: 1)}{(a := 1)}{a:=1}{yield b}{*c, *d}"

f"{a != b}{a!=b!r}"

f"{ {1: 2}[1]}{ {1} }"

f'''a "b"
{c:
>5}
'''

"a" f"{b}c" "d" rf"\e"

f"" f"{a}" ""
