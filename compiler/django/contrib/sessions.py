# django.contrib.sessions.models: sessions that are kept in the database.
from django.db import models


class AbstractBaseSession(models.Model):
    session_key = models.CharField("session key", max_length=40, primary_key=True)
    session_data = models.TextField("session data")
    expire_date = models.DateTimeField("expire date", db_index=True)

    class Meta:
        abstract = True
        verbose_name = "session"
        verbose_name_plural = "sessions"


class Session(AbstractBaseSession):
    class Meta(AbstractBaseSession.Meta):
        db_table = "django_session"
