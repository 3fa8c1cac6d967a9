# django.contrib.admin.models: the log of the admin site.
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.utils import timezone

ADDITION = 1
CHANGE = 2
DELETION = 3


class LogEntry(models.Model):
    action_time = models.DateTimeField("action time", default=timezone.now, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, verbose_name="user")
    content_type = models.ForeignKey(
        ContentType, models.SET_NULL, verbose_name="content type", blank=True, null=True
    )
    object_id = models.TextField("object id", blank=True, null=True)
    object_repr = models.CharField("object repr", max_length=200)
    action_flag = models.PositiveSmallIntegerField("action flag")
    change_message = models.TextField("change message", blank=True)

    class Meta:
        verbose_name = "log entry"
        verbose_name_plural = "log entries"
        db_table = "django_admin_log"
        ordering = ["-action_time"]
