"""URLs of the pages. They are stable: mails and bookmarks contain them."""

from django.urls import include, path

from exports.web.views import (
    activity,
    bulk,
    credentials,
    export,
    export_actions,
    exports,
    exports_csv,
    home,
    members,
    new,
    profile,
    projects,
    system,
)

app_name = "web"

team = [
    path("", home.home, name="home"),
    path("exports/", exports.listing, name="exports"),
    path("exports.csv", exports_csv.history_csv, name="history"),
    path("exports/bulk/<slug:verb>", bulk.run_action, name="bulk"),
    path("exports/<int:pk>/", export.export, name="export"),
    path("exports/<int:pk>/file", export.file, name="file"),
    path("exports/<int:pk>/play", export.play_video, name="play"),
    path("exports/<int:pk>/preview", export.preview, name="preview"),
    path("exports/<int:pk>/calls", export.calls, name="calls"),
    path("exports/<int:pk>/delete-file", export.delete_file, name="delete-file"),
    path("exports/<int:pk>/cancel", export_actions.cancel, name="cancel"),
    path("exports/<int:pk>/retry", export_actions.retry, name="retry"),
    path("exports/<int:pk>/adopt", export_actions.adopt, name="adopt"),
    path("exports/<int:pk>/fetch", export_actions.fetch_again, name="fetch"),
    path("new/", new.choose, name="new"),
    path("new/<int:pk>/<slug:kind>/", new.export_form, name="ask"),
    path("new/<int:pk>/<slug:kind>/choices/<slug:option>", new.choices, name="choices"),
    path("new/<int:pk>/<slug:kind>/advice", new.preflight, name="advice"),
    path("projects/", projects.listing, name="projects"),
    path("projects/add/", projects.choose, name="add-project"),
    path("projects/add/<int:pk>/", projects.add, name="add-project-of"),
    path("projects/add/<int:pk>/there", projects.remote_projects, name="projects-there"),
    path("projects/<int:pk>/", projects.project, name="project"),
    path("credentials/", credentials.listing, name="credentials"),
    path("credentials/add/", credentials.choose, name="add-credential"),
    path("credentials/add/<slug:provider>/", credentials.add, name="add-credential-of"),
    path("credentials/<int:pk>/", credentials.credential, name="credential"),
    path("credentials/<int:pk>/test", credentials.test, name="test-credential"),
    path("credentials/<int:pk>/replace", credentials.replace, name="replace-secrets"),
    path("credentials/<int:pk>/delete", credentials.delete, name="delete-credential"),
    path("members/", members.listing, name="members"),
    path("members/invite", members.invite, name="invite"),
    path("members/invitations/<int:pk>/revoke", members.revoke, name="revoke-invitation"),
    path("members/second-factor", members.require_second_factor, name="demand-second-factor"),
    path("members/leave", members.leave, name="leave"),
    path("members/<int:pk>/", members.member_page, name="member"),
    path("members/<int:pk>/role", members.change_role, name="change-role"),
    path("members/<int:pk>/remove", members.remove, name="remove-member"),
    path("activity/", activity.listing, name="activity"),
]

urlpatterns = [
    path("", home.start, name="start"),
    path("invitations/<str:token>/", members.invitation, name="invitation"),
    path("profile/", profile.profile, name="profile"),
    path("profile/tokens", profile.create_token, name="make-token"),
    path("profile/tokens/<int:pk>/revoke", profile.revoke_token, name="revoke-token"),
    path("healthz", system.healthz, name="healthz"),
    path("hooks/<int:pk>/<str:mark>", system.webhook, name="hook"),
    path("hooks/<path:path>", system.unknown_webhook),
    path("t/<slug:slug>/", include(team)),
    # Browsers request it by themselves on pages that name no icon, such as the admin site's.
    path("favicon.ico", system.favicon),
]
