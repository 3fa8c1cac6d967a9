"""Older and rarer ways to map."""
import datetime
import decimal
import enum
import uuid
from typing import Annotated, Optional, List, Set, Dict

import sqlalchemy as sa
from sqlalchemy import *
from sqlalchemy import orm
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import ARRAY, CITEXT, ENUM, INET, JSONB, TSVECTOR, UUID as PGUUID
from sqlalchemy.ext.declarative import declarative_base as old_base
from sqlalchemy.ext.hybrid import Comparator, hybrid_property
from sqlalchemy.ext.orderinglist import ordering_list
from sqlalchemy.orm import *
from sqlalchemy.orm import declarative_base
from sqlalchemy.orm.collections import attribute_keyed_dict
from sqlalchemy.types import TypeDecorator, UserDefinedType

Base = declarative_base()
metadata = Base.metadata

intpk = Annotated[int, mapped_column(primary_key=True)]
str50 = Annotated[str, mapped_column(String(50))]
created = Annotated[datetime.datetime, mapped_column(DateTime(timezone=True), server_default=func.now(), nullable=False)]
user_fk = Annotated[int, mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"), index=True)]


class GUID(TypeDecorator):
    impl = CHAR
    cache_ok = True

    def load_dialect_impl(self, dialect):
        if dialect.name == "postgresql":
            return dialect.type_descriptor(PGUUID())
        return dialect.type_descriptor(CHAR(32))

    def process_bind_param(self, value, dialect):
        if value is None:
            return None
        return str(value) if dialect.name == "postgresql" else "%.32x" % uuid.UUID(str(value)).int


class Money(TypeDecorator):
    impl = Integer
    cache_ok = True

    def process_bind_param(self, value, dialect):
        return int(value * 100) if value is not None else None

    def process_result_value(self, value, dialect):
        return value / 100 if value is not None else None


class CaseInsensitive(Comparator):
    def __eq__(self, other):
        return func.lower(self.__clause_element__()) == func.lower(other)


class Level(enum.IntEnum):
    low = 1
    high = 2


class Kind(enum.Enum):
    A = "a-value"
    B = "b-value"


class Account(Base):
    __tablename__ = "user_account"
    __table_args__ = (Index("ix_lower_name", func.lower(text("name"))), {"comment": "accounts"})

    id = Column(Integer, primary_key=True)
    guid = Column(GUID(), default=uuid.uuid4)
    name = Column(String(50), nullable=False, index=True)
    fullname = Column("full_name", Unicode(100))
    active = Column(Boolean, nullable=False, default=True, server_default=sa.true())
    kind = Column(Enum(Kind, values_callable=lambda e: [x.value for x in e], name="kind_enum"), default=Kind.A)
    level = Column(Integer, default=Level.low)
    fee = Column(Money)
    created = Column(DateTime, default=datetime.datetime.utcnow)
    seen = Column(DateTime(timezone=True))
    data = Column(JSON, default=dict)
    length = Column(Interval)
    photo = deferred(Column(LargeBinary), group="big")
    resume = deferred(Column(Text), group="big")
    score = query_expression()
    posts = relationship("Post", backref=backref("author", lazy="joined"), order_by="Post.created.desc()", lazy="dynamic")
    comments = relationship("Comment", back_populates="account", cascade="all, delete-orphan", passive_deletes=True)
    roles = relationship("RoleLink", back_populates="account")
    boss_id = Column(Integer, ForeignKey("user_account.id"))
    team = relationship("Account", backref=backref("boss", remote_side=[id]))
    notes = relationship("Note", collection_class=attribute_keyed_dict("word"))

    @hybrid_property
    def name_ci(self):
        return self.name.lower()

    @name_ci.comparator
    def name_ci(cls):
        return CaseInsensitive(cls.name)

    @property
    def short(self):
        return self.name[:3]

    @classmethod
    def active_ones(cls):
        return select(cls).where(cls.active)

    @classmethod
    def by_name(cls, name):
        return cls.active_ones().where(cls.name == name)

    @staticmethod
    def newest(n=5):
        return select(Account).order_by(Account.created.desc()).limit(n)


class Post(Base):
    __tablename__ = "post"

    id: Mapped[intpk]
    author_id: Mapped[user_fk]
    title: Mapped[str50]
    slug: Mapped[Optional[str50]]
    body: Mapped[str] = mapped_column(Text)
    created: Mapped[created]
    tags: Mapped[List["Label"]] = relationship(secondary="post_label", back_populates="posts", order_by="Label.name")
    comments: Mapped[List["Comment"]] = relationship(back_populates="post", order_by="Comment.position", collection_class=ordering_list("position"))
    first_comment: Mapped[Optional["Comment"]] = relationship(primaryjoin=lambda: and_(Post.id == foreign(Comment.post_id), Comment.position == 0), viewonly=True, uselist=False)
    big_comments: Mapped[List["Comment"]] = relationship(primaryjoin="and_(Post.id == foreign(Comment.post_id), func.length(Comment.text) > 100)", viewonly=True)


class Label(Base):
    __tablename__ = "label"
    id: Mapped[intpk]
    name: Mapped[str50] = mapped_column(unique=True)
    posts: Mapped[Set[Post]] = relationship(secondary="post_label", back_populates="tags")


post_label = Table("post_label", metadata, Column("post_id", ForeignKey("post.id"), primary_key=True), Column("label_id", ForeignKey("label.id"), primary_key=True))


class Comment(Base):
    __tablename__ = "comment"
    id: Mapped[intpk]
    post_id: Mapped[int] = mapped_column(ForeignKey("post.id"))
    account_id: Mapped[Optional[user_fk]]
    text: Mapped[str] = mapped_column(String(500))
    position: Mapped[int] = mapped_column(default=0)
    parent_id: Mapped[Optional[int]] = mapped_column(ForeignKey("comment.id"))
    post: Mapped[Post] = relationship(back_populates="comments")
    account: Mapped[Optional[Account]] = relationship(back_populates="comments")
    replies: Mapped[List["Comment"]] = relationship(back_populates="parent", lazy="selectin", join_depth=2)
    parent: Mapped[Optional["Comment"]] = relationship(back_populates="replies", remote_side="Comment.id")


Post.comment_count = column_property(select(func.count(Comment.id)).where(Comment.post_id == Post.id).correlate_except(Comment).scalar_subquery())


class RoleLink(Base):
    __tablename__ = "role_link"
    account_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"), primary_key=True)
    role: Mapped[str] = mapped_column(String(20), primary_key=True)
    granted: Mapped[Optional[datetime.date]]
    account: Mapped[Account] = relationship(back_populates="roles")


class Note(Base):
    __tablename__ = "note"
    id: Mapped[intpk]
    account_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    word: Mapped[str50]
    text: Mapped[Optional[str]] = mapped_column(Text().with_variant(String(200), "mysql"))


class PgThing(Base):
    __tablename__ = "pg_thing"
    __table_args__ = (Index("ix_pg_data", "data", postgresql_using="gin"), Index("ix_active", "id", postgresql_where=text("flag")), UniqueConstraint("code", "flag", name="uq_code"), {"schema": "app"})
    id: Mapped[uuid.UUID] = mapped_column(PGUUID(as_uuid=True), primary_key=True, server_default=func.gen_random_uuid())
    data: Mapped[dict] = mapped_column(JSONB, server_default=text("'{}'::jsonb"))
    tags: Mapped[List[str]] = mapped_column(ARRAY(String), server_default="{}")
    nums: Mapped[Optional[List[int]]] = mapped_column(ARRAY(Integer, dimensions=1))
    mood: Mapped[str] = mapped_column(ENUM("sad", "ok", "happy", name="mood"))
    ip: Mapped[Optional[str]] = mapped_column(INET)
    code: Mapped[Optional[str]] = mapped_column(CITEXT)
    flag: Mapped[bool] = mapped_column(server_default=false())
    search: Mapped[Optional[str]] = mapped_column(TSVECTOR)
    at: Mapped[Optional[datetime.datetime]] = mapped_column(postgresql.TIMESTAMP(timezone=True, precision=3))


class Vehicle(Base):
    __tablename__ = "vehicle"
    id = Column(Integer, primary_key=True)
    type = Column(String(20))
    name = Column(String(30))
    __mapper_args__ = {"polymorphic_identity": "vehicle", "polymorphic_on": type}


class Car(Vehicle):
    doors = Column(Integer)
    owner_id = Column(ForeignKey("user_account.id"))
    owner = relationship(Account)
    __mapper_args__ = {"polymorphic_identity": "car"}


class Truck(Vehicle):
    __tablename__ = "truck"
    id = Column(ForeignKey("vehicle.id"), primary_key=True)
    load = Column(Float)
    __mapper_args__ = {"polymorphic_identity": "truck", "polymorphic_load": "inline"}


class Bike(Vehicle):
    __tablename__ = "bike"
    id = Column(ForeignKey("vehicle.id"), primary_key=True)
    gears = Column(Integer)
    __mapper_args__ = {"polymorphic_identity": "bike", "polymorphic_load": "selectin"}


class Shape(Base):
    __abstract__ = True
    id: Mapped[intpk]
    colour: Mapped[Optional[str]] = mapped_column(String(10))

    @declared_attr.directive
    def __tablename__(cls):
        return "shape_" + cls.__name__.lower()


class Square(Shape):
    side: Mapped[float]


class Disc(Shape):
    radius: Mapped[float] = mapped_column(Float(53))


plain_reg = registry(metadata=metadata)
plain_table = Table("plain", metadata, Column("plain_id", Integer, primary_key=True), Column("label", String(10)), Column("account_id", ForeignKey("user_account.id")))


class Plain:
    def __init__(self, label):
        self.label = label


plain_reg.map_imperatively(Plain, plain_table, properties={"id": plain_table.c.plain_id, "account": relationship(Account, backref="plains")})
