"""libormc's executor for Python: what `ormc sql --format json` says goes in, rows come out.

    database = Database("build/libormc.so", "postgresql://…")
    rows = database.execute("SELECT $1", [{"value": 1, "type": "integer"}])

Parameters are encoded by libormc from their JSON form; cells come back as (type, JSON value), bytes as bytes. A statement that
fails raises DatabaseError.
"""
import base64, ctypes, json

TYPES = "boolean integer bigint float decimal text bytes date time datetime interval uuid json array unknown map".split()


class Either(ctypes.Union):
    """The two unions of OrmcValue: `integer` or `number`, `text` or `items`."""
    _fields_ = [("integer", ctypes.c_int64), ("number", ctypes.c_double), ("pointer", ctypes.c_void_p)]


class Value(ctypes.Structure):
    _fields_ = [("type", ctypes.c_int), ("is_null", ctypes.c_bool), ("first", Either), ("second", Either), ("length", ctypes.c_size_t)]


class Command(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("sql", ctypes.c_char_p), ("sql_length", ctypes.c_size_t), ("prepared", ctypes.c_void_p),
                ("params", ctypes.POINTER(Value)), ("param_count", ctypes.c_size_t), ("column_types", ctypes.c_void_p),
                ("column_type_count", ctypes.c_size_t), ("timeout_ms", ctypes.c_uint), ("read_only", ctypes.c_bool),
                ("prepare_only", ctypes.c_bool), ("on_row", ctypes.c_void_p), ("on_done", ctypes.c_void_p), ("user", ctypes.c_void_p)]


class DatabaseError(Exception):
    pass


def declare(library):
    for name, result, arguments in (
            ("ormc_database_open", ctypes.c_void_p, [ctypes.c_char_p, ctypes.c_void_p]),
            ("ormc_database_error", ctypes.c_int, [ctypes.c_void_p]),
            ("ormc_database_message", ctypes.c_char_p, [ctypes.c_void_p]),
            ("ormc_database_execute", ctypes.c_void_p, [ctypes.c_void_p, ctypes.POINTER(Command)]),
            ("ormc_database_close", None, [ctypes.c_void_p]),
            ("ormc_result_error", ctypes.c_int, [ctypes.c_void_p]),
            ("ormc_result_message", ctypes.c_char_p, [ctypes.c_void_p]),
            ("ormc_result_column_count", ctypes.c_size_t, [ctypes.c_void_p]),
            ("ormc_result_row_count", ctypes.c_size_t, [ctypes.c_void_p]),
            ("ormc_result_row", ctypes.POINTER(Value), [ctypes.c_void_p, ctypes.c_size_t]),
            ("ormc_result_free", None, [ctypes.c_void_p]),
            ("ormc_value_write_json", ctypes.c_size_t, [ctypes.POINTER(Value), ctypes.c_char_p, ctypes.c_size_t])):
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments


class Database:
    def __init__(self, library, url):
        self.library = ctypes.CDLL(library)
        declare(self.library)
        self.handle = self.library.ormc_database_open(url.encode(), None)
        if self.library.ormc_database_error(self.handle):
            raise DatabaseError(self.library.ormc_database_message(self.handle).decode())

    def close(self):
        self.library.ormc_database_close(self.handle)

    def execute(self, sql, params=(), prepare_only=False):
        """The rows, as lists of (type, JSON value); none where it is only prepared."""
        kept = []  # what the values point to
        values = (Value * max(1, len(params)))(*(value_of(p.get("value"), p["type"], kept) for p in params))
        text = sql.encode()
        command = Command(size=ctypes.sizeof(Command), sql=text, sql_length=len(text), params=values, param_count=len(params),
                          prepare_only=prepare_only)
        result = self.library.ormc_database_execute(self.handle, ctypes.byref(command))
        try:
            if self.library.ormc_result_error(result):
                raise DatabaseError(self.library.ormc_result_message(result).decode())
            width = self.library.ormc_result_column_count(result)
            rows = (self.library.ormc_result_row(result, i) for i in range(self.library.ormc_result_row_count(result)))
            return [[self.cell(row[i]) for i in range(width)] for row in rows]
        finally:
            self.library.ormc_result_free(result)

    def cell(self, value):
        if value.is_null:
            return TYPES[value.type], None
        if TYPES[value.type] == "bytes":
            return "bytes", ctypes.string_at(value.second.pointer, value.length)
        length = self.library.ormc_value_write_json(ctypes.byref(value), None, 0)
        buffer = ctypes.create_string_buffer(length + 1)
        self.library.ormc_value_write_json(ctypes.byref(value), buffer, length + 1)
        return TYPES[value.type], json.loads(buffer.value)


def value_of(value, kind, kept):
    """A parameter's JSON value as an OrmcValue; what it points to is appended to `kept`."""
    out = Value(type=TYPES.index(kind))
    if value is None:
        out.is_null = True
    elif kind == "array":
        items = (Value * max(1, len(value)))(*(item_of(v, kept) for v in value))
        kept.append(items)
        out.second.pointer, out.length = ctypes.addressof(items), len(value)
    elif kind in ("boolean", "interval") or kind in ("integer", "bigint") and -2**63 <= value < 2**63:
        out.first.integer = int(value)
    elif kind == "float":
        out.first.number = float(value)
    else:
        text = base64.b64decode(value) if kind == "bytes" else value_text(value, kind).encode()
        kept.append(ctypes.create_string_buffer(text))
        out.second.pointer, out.length = ctypes.addressof(kept[-1]), len(text)
    return out


def value_text(value, kind):
    """A parameter's JSON value as PostgreSQL reads it in quotes."""
    if isinstance(value, dict):
        return ", ".join("%s=>%s" % (quoted(k), "NULL" if v is None else quoted(v)) for k, v in value.items())
    if isinstance(value, list):
        return "{" + ", ".join("NULL" if v is None else value_text(v, "array") if isinstance(v, list) else quoted(v) for v in value) + "}"
    if kind == "interval":
        days, rest = divmod(value, 86_400_000_000)
        return f"{days} days {rest / 1e6:.6f} seconds"
    return str(value)


def quoted(text):
    return '"%s"' % str(text).replace("\\", "\\\\").replace('"', '\\"')


def item_of(value, kept):
    """An array's item: its type is the one that its JSON form shows."""
    kind = {bool: "boolean", int: "bigint", float: "float", list: "array"}.get(type(value), "text")
    return value_of(value, kind, kept)
