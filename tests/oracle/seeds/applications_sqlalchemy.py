"""Models of an application as people write them: mixins, enums, own types, versions, cascades, inheritance."""
import datetime
import decimal
import enum
import uuid
from typing import Any, List, Optional

from sqlalchemy import *
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.associationproxy import association_proxy
from sqlalchemy.ext.hybrid import hybrid_method, hybrid_property
from sqlalchemy.orm import *
from sqlalchemy.types import TypeDecorator


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention={"ix": "ix_%(column_0_label)s", "uq": "uq_%(table_name)s_%(column_0_name)s", "ck": "ck_%(table_name)s_%(constraint_name)s", "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s", "pk": "pk_%(table_name)s"})
    type_annotation_map = {dict[str, Any]: JSON, decimal.Decimal: Numeric(10, 2)}


class Lower(TypeDecorator):
    impl = String
    cache_ok = True

    def process_bind_param(self, value, dialect):
        return value.lower() if value is not None else None


class Status(enum.Enum):
    new = "new"
    paid = "paid"
    sent = "sent"


class Role(str, enum.Enum):
    admin = "admin"
    user = "user"


class IdMixin:
    id: Mapped[int] = mapped_column(primary_key=True)


class TimestampMixin:
    created_at: Mapped[datetime.datetime] = mapped_column(DateTime, server_default=func.now())
    updated_at: Mapped[Optional[datetime.datetime]] = mapped_column(DateTime, onupdate=func.now())


class SoftDeleteMixin:
    deleted: Mapped[bool] = mapped_column(default=False)

    @hybrid_property
    def is_live(self):
        return not self.deleted

    @is_live.inplace.expression
    @classmethod
    def _is_live(cls):
        return cls.deleted.is_(False)


class OwnedMixin:
    @declared_attr
    def owner_id(cls) -> Mapped[int]:
        return mapped_column(ForeignKey("users.id"))

    @declared_attr
    def owner(cls) -> Mapped["User"]:
        return relationship("User", foreign_keys=[cls.owner_id])

    @declared_attr.directive
    def __tablename__(cls):
        return cls.__name__.lower() + "s"


class Point:
    def __init__(self, x, y):
        self.x = x
        self.y = y

    def __composite_values__(self):
        return self.x, self.y

    def __eq__(self, other):
        return isinstance(other, Point) and other.x == self.x and other.y == self.y


user_groups = Table("user_groups", Base.metadata, Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), primary_key=True), Column("group_id", ForeignKey("groups.id", ondelete="CASCADE"), primary_key=True), Column("since", Date))
follows = Table("follows", Base.metadata, Column("follower_id", Integer, ForeignKey("users.id"), primary_key=True), Column("followed_id", Integer, ForeignKey("users.id"), primary_key=True))


class User(IdMixin, TimestampMixin, SoftDeleteMixin, Base):
    __tablename__ = "users"
    email: Mapped[str] = mapped_column(String(120), unique=True, index=True)
    login: Mapped[Optional[str]] = mapped_column(Lower(30))
    first: Mapped[str] = mapped_column("first_name", String(30))
    last: Mapped[Optional[str]] = mapped_column("last_name", String(30))
    role: Mapped[Role] = mapped_column(default=Role.user)
    settings: Mapped[Optional[dict[str, Any]]]
    balance: Mapped[decimal.Decimal] = mapped_column(default=0)
    profile: Mapped[Optional["Profile"]] = relationship(back_populates="user", cascade="all, delete-orphan", uselist=False)
    orders: Mapped[List["Order"]] = relationship(back_populates="user", cascade="all, delete-orphan", order_by="Order.placed.desc()")
    groups: Mapped[List["Group"]] = relationship(secondary=user_groups, back_populates="users")
    addresses: Mapped[List["Address"]] = relationship(back_populates="user", lazy="selectin")
    following: Mapped[List["User"]] = relationship(secondary=follows, primaryjoin=lambda: User.id == follows.c.follower_id, secondaryjoin=lambda: User.id == follows.c.followed_id, back_populates="followers")
    followers: Mapped[List["User"]] = relationship(secondary=follows, primaryjoin=lambda: User.id == follows.c.followed_id, secondaryjoin=lambda: User.id == follows.c.follower_id, back_populates="following")
    paid_orders: Mapped[List["Order"]] = relationship(primaryjoin="and_(User.id == Order.user_id, Order.status == 'paid')", viewonly=True)
    group_names = association_proxy("groups", "name")

    @hybrid_property
    def full_name(self):
        return self.first + " " + self.last

    @hybrid_property
    def order_total(self):
        return sum(o.total for o in self.orders)

    @order_total.expression
    def order_total(cls):
        return select(func.coalesce(func.sum(Order.total), 0)).where(Order.user_id == cls.id).correlate(cls).scalar_subquery().label("order_total")

    @hybrid_method
    def has_role(self, role):
        return self.role == role

    @validates("email")
    def check_email(self, key, value):
        return value


class Profile(IdMixin, Base):
    __tablename__ = "profiles"
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), unique=True)
    bio: Mapped[Optional[str]] = mapped_column(Text, deferred=True)
    spot_x: Mapped[Optional[int]]
    spot_y: Mapped[Optional[int]]
    spot: Mapped[Point] = composite("spot_x", "spot_y")
    user: Mapped[User] = relationship(back_populates="profile")


class Group(IdMixin, Base):
    __tablename__ = "groups"
    name: Mapped[str] = mapped_column(String(50))
    parent_id: Mapped[Optional[int]] = mapped_column(ForeignKey("groups.id"))
    users: Mapped[List[User]] = relationship(secondary=user_groups, back_populates="groups")
    parent: Mapped[Optional["Group"]] = relationship(remote_side="Group.id", back_populates="children")
    children: Mapped[List["Group"]] = relationship(back_populates="parent")


class Address(IdMixin, Base):
    __tablename__ = "addresses"
    __table_args__ = (UniqueConstraint("user_id", "city"), Index(None, "city"), CheckConstraint("length(city) > 0", name="city_len"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    city: Mapped[str] = mapped_column(String(40))
    street: Mapped[Optional[str]] = mapped_column(String(60))
    user: Mapped[User] = relationship(back_populates="addresses")


class Product(IdMixin, TimestampMixin, Base):
    __tablename__ = "products"
    sku: Mapped[uuid.UUID] = mapped_column(default=uuid.uuid4)
    name: Mapped[str] = mapped_column(String(50))
    price: Mapped[decimal.Decimal]
    stock: Mapped[int] = mapped_column(default=0)
    version: Mapped[int] = mapped_column(nullable=False)
    category_id: Mapped[Optional[int]] = mapped_column(ForeignKey("categories.id"))
    category: Mapped[Optional["Category"]] = relationship(back_populates="products", lazy="joined")
    __mapper_args__ = {"version_id_col": version}


class Category(IdMixin, Base):
    __tablename__ = "categories"
    name: Mapped[str] = mapped_column(String(50))
    products: Mapped[List[Product]] = relationship(back_populates="category", passive_deletes=True)


class Order(IdMixin, SoftDeleteMixin, Base):
    __tablename__ = "orders"
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    status: Mapped[Status] = mapped_column(Enum(Status), default=Status.new)
    placed: Mapped[datetime.datetime] = mapped_column(default=datetime.datetime(2024, 1, 2, 3, 4, 5))
    total: Mapped[decimal.Decimal] = mapped_column(default=decimal.Decimal("0"))
    user: Mapped[User] = relationship(back_populates="orders")
    lines: Mapped[List["Line"]] = relationship(back_populates="order", cascade="all, delete-orphan")
    products = association_proxy("lines", "product", creator=lambda product: Line(product=product, count=1))
    line_count: Mapped[int] = column_property(select(func.count()).select_from(text("lines")).scalar_subquery(), deferred=True)


class Line(Base):
    __tablename__ = "lines"
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"), primary_key=True)
    count: Mapped[int] = mapped_column(default=1)
    price: Mapped[Optional[decimal.Decimal]]
    order: Mapped[Order] = relationship(back_populates="lines")
    product: Mapped[Product] = relationship()

    @hybrid_property
    def amount(self):
        return self.count * self.price


class Document(OwnedMixin, IdMixin, TimestampMixin, Base):
    kind: Mapped[str] = mapped_column(String(20))
    title: Mapped[str] = mapped_column(String(90))
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "document"}


class Article(Document):
    __tablename__ = "articles"
    id: Mapped[int] = mapped_column(ForeignKey("documents.id"), primary_key=True)
    words: Mapped[int] = mapped_column(default=0)
    __mapper_args__ = {"polymorphic_identity": "article"}


class Report(Document):
    __tablename__ = "reports"
    id: Mapped[int] = mapped_column(ForeignKey("documents.id"), primary_key=True)
    year: Mapped[Optional[int]]
    __mapper_args__ = {"polymorphic_identity": "report"}


class Event(IdMixin, Base):
    __tablename__ = "events"
    type: Mapped[str] = mapped_column(String(10))
    at: Mapped[datetime.datetime]
    __mapper_args__ = {"polymorphic_on": type, "polymorphic_identity": "event", "with_polymorphic": "*"}


class Login(Event):
    ip: Mapped[Optional[str]] = mapped_column(String(40))
    __mapper_args__ = {"polymorphic_identity": "login"}


class Payment(Event):
    amount: Mapped[Optional[decimal.Decimal]]
    order_id: Mapped[Optional[int]] = mapped_column(ForeignKey("orders.id"))
    order: Mapped[Optional[Order]] = relationship()
    __mapper_args__ = {"polymorphic_identity": "payment"}


class Item(Base):
    __tablename__ = "items"
    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    width: Mapped[int]
    height: Mapped[int]
    area: Mapped[int] = mapped_column(Computed("width * height"))
    tags: Mapped[Optional[list[str]]] = mapped_column(JSON)


class Place(Base):
    __tablename__ = "places"
    country: Mapped[str] = mapped_column(String(2), primary_key=True)
    code: Mapped[str] = mapped_column(String(5), primary_key=True)
    name: Mapped[str] = mapped_column(String(50))
    shops: Mapped[List["Shop"]] = relationship(back_populates="place")


class Shop(IdMixin, Base):
    __tablename__ = "shops"
    country: Mapped[str] = mapped_column(String(2))
    place_code: Mapped[str] = mapped_column(String(5))
    name: Mapped[str] = mapped_column(String(50))
    place: Mapped[Place] = relationship(back_populates="shops")
    __table_args__ = (ForeignKeyConstraint(["country", "place_code"], ["places.country", "places.code"]),)


metadata = Base.metadata
