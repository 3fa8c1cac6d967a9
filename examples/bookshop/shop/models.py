"""A bookshop: models with managers, as a Django project would have them."""
from django.db import models
from django.db.models import Count, Q


class Author(models.Model):
    name = models.CharField(max_length=100)
    country = models.CharField(max_length=2, blank=True)

    class Meta:
        ordering = ["name"]


class BookQuerySet(models.QuerySet):
    def available(self):
        return self.filter(stock__gt=0)

    def by(self, name):
        return self.filter(author__name=name)

    def well_reviewed(self, at_least=3):
        good = Count("reviews", filter=Q(reviews__stars__gte=4))
        return self.annotate(good=good).filter(good__gte=at_least)


class Book(models.Model):
    title = models.CharField(max_length=200)
    author = models.ForeignKey(Author, on_delete=models.CASCADE, related_name="books")
    price = models.DecimalField(max_digits=8, decimal_places=2)
    stock = models.IntegerField(default=0)
    published = models.DateField(null=True, blank=True)

    objects = BookQuerySet.as_manager()


class Review(models.Model):
    book = models.ForeignKey(Book, on_delete=models.CASCADE, related_name="reviews")
    stars = models.IntegerField()
    text = models.TextField(blank=True)
