from django.urls import path

from accounts import views

app_name = "accounts"

urlpatterns = [
    path("verkoper/", views.switch_seller, name="switch-seller"),
]
