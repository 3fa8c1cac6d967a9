"""Models for the Django blocks of cheat sheets: what they mention without defining it."""
from django.db import models


class Group(models.Model):
    name = models.CharField(max_length=50)


class User(models.Model):
    username = models.CharField(max_length=50)
    email = models.EmailField()
    groups = models.ManyToManyField(Group)


class Author(models.Model):
    name = models.CharField(max_length=50)
    average_price = models.DecimalField(max_digits=8, decimal_places=2, null=True)


class Book(models.Model):
    title = models.CharField(max_length=100)
    price = models.DecimalField(max_digits=8, decimal_places=2)
    rating = models.FloatField()
    author = models.ForeignKey(Author, models.CASCADE)
