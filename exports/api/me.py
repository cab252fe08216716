"""Endpoints about the caller's token and about the providers."""

from ninja import Router

from exports.api import serializers
from exports.api.auth import ApiRequest
from exports.api.openapi import operation_docs
from exports.api.schemas import MeOut, ProvidersOut
from exports.providers.registry import PROVIDERS

router = Router(tags=["About"])


@router.get("/me", response=MeOut, openapi_extra=operation_docs())
def me(request: ApiRequest) -> MeOut:
    """Who am I: user, team, role and scope."""
    member = request.auth.member
    return MeOut(
        user=serializers.user(member.user),
        team=serializers.team(member.team),
        role=member.role,
        scope=request.auth.scope,
    )


@router.get("/providers", response=ProvidersOut, openapi_extra=operation_docs())
def list_providers(request: ApiRequest) -> ProvidersOut:
    """Every provider: the secrets its credentials take, its kinds of export, their formats, options and effects."""
    providers = [serializers.provider(provider) for provider in PROVIDERS.values()]
    return ProvidersOut(providers=providers, meta=serializers.single_page_meta(len(providers)))
