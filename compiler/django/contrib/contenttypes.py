# django.contrib.contenttypes.models: fields and queries of the content type table.
from django.db import models


class ContentTypeManager(models.Manager):
    use_in_migrations = True

    def get_by_natural_key(self, app_label, model):
        return self.get(app_label=app_label, model=model)

    def get_for_model(self, model, for_concrete_model=True):
        options = model._meta.concrete_model._meta if for_concrete_model else model._meta
        return self.get(app_label=options.app_label, model=options.model_name)

    def get_for_id(self, id):
        return self.get(pk=id)


class ContentType(models.Model):
    app_label = models.CharField(max_length=100)
    model = models.CharField("python model class name", max_length=100)
    objects = ContentTypeManager()

    class Meta:
        verbose_name = "content type"
        verbose_name_plural = "content types"
        db_table = "django_content_type"
        unique_together = [["app_label", "model"]]

    def natural_key(self):
        return (self.app_label, self.model)
