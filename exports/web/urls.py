"""The addresses of pages. They are public: mails and bookmarks hold them."""

from django.urls import include, path

from exports.web.views import account, act, credentials, exports, home, machines, new, projects

app_name = "web"

team = [
    path("", home.home, name="home"),
    path("exports/", exports.listing, name="exports"),
    path("exports/<int:pk>/", exports.export, name="export"),
    path("exports/<int:pk>/file", exports.file, name="file"),
    path("exports/<int:pk>/cancel", act.cancel, name="cancel"),
    path("exports/<int:pk>/retry", act.retry, name="retry"),
    path("exports/<int:pk>/adopt", act.adopt, name="adopt"),
    path("new/", new.choose, name="new"),
    path("new/<int:pk>/<slug:kind>/", new.ask, name="ask"),
    path("new/<int:pk>/<slug:kind>/choices/<slug:option>", new.choices, name="choices"),
    path("new/<int:pk>/<slug:kind>/advice", new.advice, name="advice"),
    path("projects/", projects.listing, name="projects"),
    path("projects/add/", projects.choose, name="add-project"),
    path("projects/add/<int:pk>/", projects.add, name="add-project-of"),
    path("projects/add/<int:pk>/there", projects.there, name="projects-there"),
    path("credentials/", credentials.listing, name="credentials"),
    path("credentials/add/", credentials.choose, name="add-credential"),
    path("credentials/add/<slug:provider>/", credentials.add, name="add-credential-of"),
    path("credentials/<int:pk>/", credentials.credential, name="credential"),
    path("credentials/<int:pk>/test", credentials.test, name="test-credential"),
    path("credentials/<int:pk>/replace", credentials.replace, name="replace-secrets"),
    path("credentials/<int:pk>/delete", credentials.delete, name="delete-credential"),
]

urlpatterns = [
    path("", home.start, name="start"),
    path("sign-in/", account.SignIn.as_view(), name="sign-in"),
    path("sign-out/", account.sign_out, name="sign-out"),
    path("healthz", machines.healthz, name="healthz"),
    path("hooks/<int:pk>/<str:mark>", machines.hook, name="hook"),
    path("hooks/<path:nonsense>", machines.no_hook),
    path("t/<slug:slug>/", include(team)),
    # What browsers ask for by themselves on pages that name no icon, such as the admin site's.
    path("favicon.ico", machines.icon),
]
