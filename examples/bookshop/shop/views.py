"""Views of the bookshop: `ormc sql` finds their queries without running them."""
from django.shortcuts import get_object_or_404

from .models import Author, Book


def front_page(request):
    return Book.objects.available().select_related("author").order_by("-published")[:10]


def search(request, word, only_available=True):
    books = Book.objects.filter(title__icontains=word)
    if only_available:
        books = books.available()
    return list(books)


def author_page(request, pk):
    author = get_object_or_404(Author, pk=pk)
    books = [book.title for book in author.books.all()]
    return {"author": author.name, "books": books, "count": author.books.count()}


def sell(book_id):
    book = Book.objects.get(pk=book_id)
    book.stock -= 1
    book.save(update_fields=["stock"])
