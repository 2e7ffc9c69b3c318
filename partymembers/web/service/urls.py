"""Addresses of volunteers, activities, points, stations and lists."""

from django.urls import path

from . import activities, attendance, lists, points, stations, teams, volunteers

app_name = "service"

urlpatterns = [
    path("service/", volunteers.hub, name="hub"),
    path("service/me/", volunteers.volunteer, name="volunteer"),
    path("service/me/leave/", volunteers.volunteer_leave, name="volunteer_leave"),
    path("volunteers/", volunteers.volunteers, name="volunteers"),
    path("volunteers/<int:volunteer_id>/phone/", volunteers.volunteer_phone, name="volunteer_phone"),
    path("teams/", teams.teams, name="teams"),
    path("teams/new/", teams.team_new, name="team_new"),
    path("teams/<int:team_id>/", teams.team, name="team"),
    path("teams/<int:team_id>/hand-over/", teams.team_hand_over, name="team_hand_over"),
    path("teams/<int:team_id>/<slug:action>/", teams.team_act, name="team_act"),
    path("activities/", activities.activities, name="activities"),
    path("activities/new/", activities.activity_new, name="activity_new"),
    path("activities/<int:activity_id>/", activities.activity, name="activity"),
    path("activities/<int:activity_id>/edit/", activities.activity_edit, name="activity_edit"),
    path("activities/<int:activity_id>/cancel/", activities.activity_cancel, name="activity_cancel"),
    path("activities/<int:activity_id>/sign-up/", activities.activity_sign_up, name="activity_sign_up"),
    path("activities/<int:activity_id>/withdraw/", activities.activity_withdraw, name="activity_withdraw"),
    path("activities/<int:activity_id>/code/", attendance.activity_code, name="activity_code"),
    path(
        "activities/<int:activity_id>/attendance/<int:sign_up_id>/",
        attendance.attendance,
        name="attendance",
    ),
    path("a/<slug:token>/", attendance.scan, name="scan"),
    path("points/", points.points, name="points"),
    path("points/code/", points.points_code, name="points_code"),
    path("points/export/", points.points_export, name="points_export"),
    path("points/<int:transaction_id>/correct/", points.points_correct, name="points_correct"),
    path("honours/", points.honours_list, name="honours"),
    path("stations/", stations.stations, name="stations"),
    path("stations/code/<str:code>/", stations.counter_code, name="counter_code"),
    path("stations/items/<int:item_id>/stock/", stations.stock, name="stock"),
    path("stations/<int:station_id>/", stations.station, name="station"),
    path("stations/<int:station_id>/counter/", stations.counter, name="counter"),
    path("stations/<int:station_id>/redeem/", stations.redeem, name="redeem"),
    path("redemptions/<int:redemption_id>/cancel/", stations.redemption_cancel, name="redemption_cancel"),
    path("resources/", lists.resources, name="resources"),
    path("resources/new/", lists.resource_new, name="resource_new"),
    path("resources/<int:resource_id>/edit/", lists.resource_edit, name="resource_edit"),
    path("resources/<int:resource_id>/withdraw/", lists.resource_withdraw, name="resource_withdraw"),
    path("projects/", lists.projects, name="projects"),
    path("projects/new/", lists.project_new, name="project_new"),
    path("projects/<int:project_id>/progress/", lists.project_progress, name="project_progress"),
]
