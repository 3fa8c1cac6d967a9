
class A[T = int, U: str = str]: pass

type X[*Ts = *tuple[int, ...]] = tuple[*Ts]

def f[**P = [int, str]](): pass
