"""Models of tests/oracle/random_sqlalchemy.py: Core tables, and mapped classes with every kind of inheritance and loading."""
import datetime
import decimal
import enum
import uuid
from typing import List, Optional

from sqlalchemy import *
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import ARRAY, HSTORE, INT4RANGE, JSONB, TSVECTOR
from sqlalchemy.ext.hybrid import hybrid_method, hybrid_property
from sqlalchemy.orm import *


class Base(DeclarativeBase):
    pass


metadata = Base.metadata


class Colour(enum.Enum):
    red = 1
    green = 2


people = Table(
    "people", metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(30), nullable=False),
    Column("age", Integer),
    Column("score", Float),
    Column("price", Numeric(10, 2)),
    Column("active", Boolean, default=True),
    Column("born", Date),
    Column("created", DateTime, server_default=func.now()),
    Column("at", Time),
    Column("note", Text, default="none"),
    Column("doc", JSON),
    Column("order", Integer),
    Column("Mixed Case", String(10), key="mixed"),
    Column("colour", Enum(Colour)),
    Column("uid", Uuid),
    Column("blob", LargeBinary),
)
visits = Table(
    "visits", metadata,
    Column("id", Integer, primary_key=True),
    Column("person_id", ForeignKey("people.id"), nullable=False),
    Column("place", String(50)),
    Column("cost", Numeric(8, 2)),
    Column("day", Date),
    Column("name", String(20)),
    Column("seen", DateTime, onupdate=func.now()),
)
marks = Table(
    "marks", metadata,
    Column("visit_id", ForeignKey("visits.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("value", Integer, default=3, onupdate=4),
    Column("name", String(20)),
    schema="other",
)
light = table("light", column("id", Integer), column("name", String), column("x"), column("flag", Boolean))
special = Table(
    "special", metadata,
    Column("id", Integer, primary_key=True),
    Column("tags", ARRAY(String)),
    Column("nums", ARRAY(Integer)),
    Column("body", JSONB),
    Column("span", INT4RANGE),
    Column("pairs", HSTORE),
    Column("words", TSVECTOR),
)

book_tags = Table("book_tags", metadata, Column("book_id", ForeignKey("books.id"), primary_key=True), Column("tag_id", ForeignKey("tags.id"), primary_key=True))


class Author(Base):
    __tablename__ = "authors"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40))
    age: Mapped[Optional[int]]
    rating: Mapped[Optional[float]]
    born: Mapped[Optional[datetime.date]]
    active: Mapped[bool] = mapped_column(default=True)
    bio: Mapped[Optional[str]] = mapped_column(Text, deferred=True)
    books: Mapped[List["Book"]] = relationship(back_populates="author", order_by="Book.id")
    profile: Mapped[Optional["Profile"]] = relationship(back_populates="author")

    @hybrid_property
    def title(self):
        return self.name + "!"

    @hybrid_property
    def adult(self):
        return self.age >= 18

    @hybrid_method
    def older(self, years):
        return self.age > years


class Profile(Base):
    __tablename__ = "profiles"
    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("authors.id"))
    site: Mapped[Optional[str]]
    author: Mapped[Author] = relationship(back_populates="profile", lazy="joined", innerjoin=True)


class Publisher(Base):
    __tablename__ = "publishers"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    books: Mapped[List["Book"]] = relationship(back_populates="publisher")


class Book(Base):
    __tablename__ = "books"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(80))
    pages: Mapped[Optional[int]] = mapped_column("page_count")
    price: Mapped[Optional[decimal.Decimal]] = mapped_column(Numeric(8, 2))
    published: Mapped[Optional[datetime.date]]
    author_id: Mapped[int] = mapped_column(ForeignKey("authors.id"))
    publisher_id: Mapped[Optional[int]] = mapped_column(ForeignKey("publishers.id"))
    author: Mapped[Author] = relationship(back_populates="books")
    publisher: Mapped[Optional[Publisher]] = relationship(back_populates="books")
    tags: Mapped[List["Tag"]] = relationship(secondary=book_tags, back_populates="books")
    reviews: Mapped[List["Review"]] = relationship(back_populates="book", lazy="selectin")
    heading = synonym("title")


class Review(Base):
    __tablename__ = "reviews"
    id: Mapped[int] = mapped_column(primary_key=True)
    book_id: Mapped[int] = mapped_column(ForeignKey("books.id"))
    stars: Mapped[int]
    text: Mapped[Optional[str]]
    book: Mapped[Book] = relationship(back_populates="reviews")


class Tag(Base):
    __tablename__ = "tags"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    books: Mapped[List[Book]] = relationship(secondary=book_tags, back_populates="tags")


Publisher.book_count = column_property(select(func.count(Book.id)).where(Book.publisher_id == Publisher.id).correlate_except(Book).scalar_subquery())


class Node(Base):
    __tablename__ = "nodes"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    parent_id: Mapped[Optional[int]] = mapped_column(ForeignKey("nodes.id"))
    children: Mapped[List["Node"]] = relationship(back_populates="parent")
    parent: Mapped[Optional["Node"]] = relationship(back_populates="children", remote_side=[id])


class Company(Base):
    __tablename__ = "companies"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    staff: Mapped[List["Employee"]] = relationship(back_populates="company")
    fleet: Mapped[List["Vehicle"]] = relationship(back_populates="company")


class Employee(Base):
    __tablename__ = "employees"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    type: Mapped[str]
    company_id: Mapped[Optional[int]] = mapped_column(ForeignKey("companies.id"))
    company: Mapped[Optional[Company]] = relationship(back_populates="staff")
    __mapper_args__ = {"polymorphic_on": "type", "polymorphic_identity": "employee"}


class Engineer(Employee):
    __tablename__ = "engineers"
    id: Mapped[int] = mapped_column(ForeignKey("employees.id"), primary_key=True)
    language: Mapped[Optional[str]]
    machines: Mapped[List["Machine"]] = relationship(back_populates="engineer")
    __mapper_args__ = {"polymorphic_identity": "engineer"}


class Manager(Employee):
    __tablename__ = "managers"
    id: Mapped[int] = mapped_column(ForeignKey("employees.id"), primary_key=True)
    level: Mapped[Optional[int]]
    __mapper_args__ = {"polymorphic_identity": "manager"}


class Boss(Manager):
    __tablename__ = "bosses"
    id: Mapped[int] = mapped_column(ForeignKey("managers.id"), primary_key=True)
    golf: Mapped[Optional[int]]
    __mapper_args__ = {"polymorphic_identity": "boss"}


class Machine(Base):
    __tablename__ = "machines"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    engineer_id: Mapped[Optional[int]] = mapped_column(ForeignKey("engineers.id"))
    engineer: Mapped[Optional[Engineer]] = relationship(back_populates="machines")


class Vehicle(Base):
    __tablename__ = "vehicles"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    kind: Mapped[str]
    wheels: Mapped[Optional[int]]
    company_id: Mapped[Optional[int]] = mapped_column(ForeignKey("companies.id"))
    company: Mapped[Optional[Company]] = relationship(back_populates="fleet")
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "vehicle"}


class Car(Vehicle):
    doors: Mapped[Optional[int]] = mapped_column(use_existing_column=True)
    __mapper_args__ = {"polymorphic_identity": "car"}


class Sports(Car):
    __mapper_args__ = {"polymorphic_identity": "sports"}


class Truck(Vehicle):
    load: Mapped[Optional[int]]
    __mapper_args__ = {"polymorphic_identity": "truck"}


class Shape(Base):
    __tablename__ = "shapes"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Circle(Shape):
    __tablename__ = "circles"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    radius: Mapped[int]
    __mapper_args__ = {"concrete": True}
