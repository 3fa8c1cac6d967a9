# django.contrib.sites.models
from django.conf import settings
from django.db import models


class CurrentSiteManager(models.Manager):
    use_in_migrations = True

    def __init__(self, field_name=None):
        super().__init__()
        self._site_field = field_name

    def _get_field_name(self):
        names = [field.name for field in self.model._meta.get_fields()]
        return self._site_field or ("site" if "site" in names else "sites")

    def get_queryset(self):
        return super().get_queryset().filter(**{self._get_field_name() + "__id": settings.SITE_ID})


class SiteManager(models.Manager):
    use_in_migrations = True

    def get_current(self, request=None):
        if getattr(settings, "SITE_ID", ""):
            return self.get(pk=settings.SITE_ID)
        return self.get(domain__iexact=request.get_host())

    def get_by_natural_key(self, domain):
        return self.get(domain=domain)


class Site(models.Model):
    domain = models.CharField("domain name", max_length=100, unique=True)
    name = models.CharField("display name", max_length=50)
    objects = SiteManager()

    class Meta:
        db_table = "django_site"
        verbose_name = "site"
        verbose_name_plural = "sites"
        ordering = ["domain"]
