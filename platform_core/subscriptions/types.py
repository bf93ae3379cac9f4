"""What a subscription is."""

from enum import StrEnum


class SubscriptionStatus(StrEnum):
    """In which state a subscription is, in Stripe's words; its incomplete_expired is cancelled with that reason."""

    TRIALING = "trialing"
    ACTIVE = "active"
    PAST_DUE = "past_due"
    PAUSED = "paused"
    UNPAID = "unpaid"
    INCOMPLETE = "incomplete"
    CANCELLED = "cancelled"


class SubscriptionProvider(StrEnum):
    """Who collects the money."""

    STRIPE = "stripe"
    RAZORPAY = "razorpay"
    MANUAL = "manual"


class BillingCycle(StrEnum):
    """How often is billed."""

    MONTHLY = "monthly"
    YEARLY = "yearly"
