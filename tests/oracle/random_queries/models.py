"""Models with every kind of field, key and relation, for random queries."""
import uuid

from django.contrib.contenttypes.fields import GenericForeignKey, GenericRelation
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.db.models import F, Q


class Stamped(models.Model):
    created = models.DateTimeField(auto_now_add=True)
    changed = models.DateTimeField(null=True)

    class Meta:
        abstract = True
        get_latest_by = "created"


class OpenManager(models.Manager):
    def get_queryset(self):
        return super().get_queryset().filter(closed__isnull=True)

    def big(self):
        return self.filter(total__gt=100)


class OrderQuerySet(models.QuerySet):
    def paid(self):
        return self.filter(paid=True)


class Country(models.Model):
    code = models.CharField(max_length=2, primary_key=True)
    name = models.CharField(max_length=50, db_column="title")

    class Meta:
        ordering = ["name"]


class Place(Stamped):
    name = models.CharField(max_length=50)
    country = models.ForeignKey(Country, models.CASCADE, related_name="places")
    opened = models.DateField(null=True)
    hours = models.TimeField(null=True)
    rating = models.FloatField(default=0)
    active = models.BooleanField(default=True)
    tags = GenericRelation("Tag", "key", "kind", related_query_name="place")


class Shop(Place):
    owner = models.ForeignKey("Person", models.SET_NULL, null=True, related_name="shops")
    budget = models.DecimalField(max_digits=9, decimal_places=2, null=True)

    class Meta:
        ordering = ["-rating", "owner"]


class Kiosk(Shop):
    size = models.PositiveSmallIntegerField(default=1)


class Person(models.Model):
    KINDS = [("a", "Adult"), ("c", "Child")]
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    name = models.CharField(max_length=50)
    nick = models.SlugField(null=True)
    kind = models.CharField(max_length=1, choices=KINDS, default="a")
    mail = models.EmailField(unique=True)
    born = models.DateField(null=True)
    address = models.GenericIPAddressField(null=True)
    friends = models.ManyToManyField("self")
    follows = models.ManyToManyField("self", symmetrical=False, related_name="followers", through="Follow")
    parent = models.ForeignKey("self", models.CASCADE, null=True, related_name="children")


class Adult(Person):
    objects = models.Manager()

    class Meta:
        proxy = True
        ordering = ["born"]


class Follow(models.Model):
    source = models.ForeignKey(Person, models.CASCADE, related_name="out")
    target = models.ForeignKey(Person, models.CASCADE, related_name="into")
    since = models.DateTimeField()


class Profile(models.Model):
    person = models.OneToOneField(Person, models.CASCADE, primary_key=True)
    settings = models.JSONField(default=dict)
    photo = models.BinaryField(null=True)
    site = models.URLField(null=True, db_column="homepage")


class Product(Stamped):
    sku = models.CharField(max_length=20, unique=True)
    name = models.CharField(max_length=80)
    price = models.DecimalField(max_digits=8, decimal_places=2)
    weight = models.FloatField(null=True)
    stock = models.IntegerField(default=0)
    life = models.DurationField(null=True)
    data = models.JSONField(null=True)
    shop = models.ForeignKey(Shop, models.CASCADE)
    related = models.ManyToManyField("self", blank=True)
    tags = GenericRelation("Tag", "key", "kind")

    class Meta:
        ordering = ["shop__name", F("price").desc(nulls_last=True)]


class Order(models.Model):
    number = models.BigAutoField(primary_key=True)
    buyer = models.ForeignKey(Person, models.CASCADE, to_field="mail", related_name="orders", related_query_name="order")
    placed = models.DateTimeField()
    closed = models.DateTimeField(null=True)
    paid = models.BooleanField(null=True)
    total = models.IntegerField(default=0)
    products = models.ManyToManyField(Product, through="Line")
    objects = OrderQuerySet.as_manager()
    open = OpenManager()

    class Meta:
        ordering = ["-placed"]
        get_latest_by = ["placed", "number"]


class Line(models.Model):
    order = models.ForeignKey(Order, models.CASCADE, related_name="lines")
    product = models.ForeignKey(Product, models.CASCADE, to_field="sku", db_column="product_sku")
    count = models.PositiveIntegerField(default=1)
    discount = models.FloatField(null=True)
    worth = models.GeneratedField(expression=F("count") * 2, output_field=models.IntegerField(), db_persist=True)

    class Meta:
        order_with_respect_to = "order"
        constraints = [models.CheckConstraint(condition=Q(count__gt=0), name="count_positive")]


class Tag(models.Model):
    word = models.CharField(max_length=20)
    kind = models.ForeignKey(ContentType, models.CASCADE)
    key = models.PositiveIntegerField()
    object = GenericForeignKey("kind", "key")

    class Meta:
        ordering = ["word"]


class Shelf(models.Model):
    pk = models.CompositePrimaryKey("row", "slot")
    row = models.IntegerField()
    slot = models.CharField(max_length=5)
    product = models.ForeignKey(Product, models.SET_NULL, null=True, related_name="shelves")


class Supplier(models.Model):
    name = models.CharField(max_length=40)
    countries = models.ManyToManyField(Country, related_name="suppliers", db_table="supplies")
    contact = models.OneToOneField(Person, models.SET_NULL, null=True, related_name="supplier")
