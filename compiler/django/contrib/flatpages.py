# django.contrib.flatpages.models
from django.contrib.sites.models import Site
from django.db import models


class FlatPage(models.Model):
    url = models.CharField("URL", max_length=100, db_index=True)
    title = models.CharField("title", max_length=200)
    content = models.TextField("content", blank=True)
    enable_comments = models.BooleanField("enable comments", default=False)
    template_name = models.CharField("template name", max_length=70, blank=True)
    registration_required = models.BooleanField("registration required", default=False)
    sites = models.ManyToManyField(Site, verbose_name="sites")

    class Meta:
        db_table = "django_flatpage"
        verbose_name = "flat page"
        verbose_name_plural = "flat pages"
        ordering = ["url"]
