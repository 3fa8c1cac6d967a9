match = 1
match.x = case
match(x, y)
match[x:y] = 1
match: int = 2
match * x
case = match

match x, *y:
    case _: pass
match *a, b:
    case _: pass
match (a):
    case _: pass
match [a]:
    case _: pass
match -a:
    case _: pass
match a := b:
    case _: pass

match x:
    case 1 | -1 | 1.5 | -2j | 1 + 2j | "a" "b" | b"c" | None | True | False: pass

match x:
    case a: pass
    case a.b.c: pass
    case (a | b.c) as d: pass

match x:
    case []: pass
    case (): pass
    case [a]: pass
    case a, *_: pass
    case (a,): pass
    case [a, *b, c,]: pass
    case *a,: pass

match x:
    case {}: pass
    case {"a": 1, -1: b, C.d: _, **rest}: pass
    case {**rest}: pass

match x:
    case A(): pass
    case a.B(1, c, d=2, e=F()): pass
    case A(b=1,): pass

match x:
    case a if a > 1: pass
    case b if (c := b): pass

match match:
    case case:
        match = case
        case = 1
        type = 2

match a:
    case b:
        match c:
            case d: pass
    case e: pass
