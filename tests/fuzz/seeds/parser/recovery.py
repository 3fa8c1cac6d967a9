
x = f(a, b c)
y = 1

def f(a)
    return a
x = 1

if x = 1:
    y = 2
z = 3

x = f(a,
    b
class A:
    y = 1

x = f(a,
    b
y = 1

Author.objects.filter(name=

x = [1, 2)
y = 1

x = 1)
y = 1

x = "abc
y = 1

x = 1
y = """abc
z = 1

x = f"{a"
y = 1

f"{}"

f"a}"

async with a as b:
    # nothing

if a:
b = 1

a = 1
    b = 2
c = 3

if a:
        b
    c
d

if a:
        b
	c

if a:
    b = 1
.filter(c)
d = 1

if a:
    b = 1
$
d = 1

try:
    a
b = 1

a = 1
else:
    b = 1
c = 1

@a
b = 1

match x:
    foo(1)
    case 1: pass

f() = 1
1 = x
a + b = c
None = 1
for f() in x: pass
del f()
(a, b): int
a() += 1

f(a=1, b)
f(**a, b)
f(**a, *b)
f(a.b=1)

def f(a=1, b): pass
def f(*, **k): pass
def f(*a, *b): pass
def f(/): pass

1abc
0777
0x
1__0

a ? b
a $ b
x = €

print "a"
exec "b"
raise A, B

"\x1"
"\N{NO SUCH NAME}"
"\U00110000"
b"é"

x = (1 2)
y = 1
z = [3 4]

class A:
    x = = 1
    def f(self):
        y = (1 2)
        return y
    z = 3
