"""All services are updated while nodes send and people label: nobody sees it, nothing is lost or double."""

from system import rolling
from system.deployments import Servers

AUDIOS = 60
SLOWLY_S = 20
"""A busy machine takes seconds to look at each process."""


async def test_while_services_are_updated_nobody_sees_an_error_and_nothing_is_lost(
    tmp_path, rabbit, catalog_url, s3_url
):
    servers = Servers(rabbit, catalog_url, s3_url)
    result = await rolling.run(AUDIOS, tmp_path, servers, over=lambda _: True, leave_s=SLOWLY_S)
    assert result.errors == []
    assert (result.rows, result.embeddings, result.doubled) == (AUDIOS, AUDIOS, 0)
    assert result.submissions == result.said > 0
    assert set(result.updates) == {*rolling.PAGES, "node-agent"}
