"""The contract of the gateways is no test module, but its assertions should explain themselves like one's."""

import pytest

pytest.register_assert_rewrite("tests.chat.gateway_contract")
