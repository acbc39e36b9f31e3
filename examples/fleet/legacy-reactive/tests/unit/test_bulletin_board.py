from unittest import mock

from reactive import bulletin_board


class Config(dict):
    def previous(self, _name):
        return 80


def test_the_port_is_changed():
    with mock.patch.object(bulletin_board, "hookenv") as hookenv:
        hookenv.config.return_value = Config(port=8080)
        bulletin_board.open_the_port()

    hookenv.close_port.assert_called_once_with(80)
    hookenv.open_port.assert_called_once_with(8080)


def test_gets_ready():
    with mock.patch.object(bulletin_board, "hookenv") as hookenv:
        with mock.patch.object(bulletin_board, "set_flag") as set_flag:
            bulletin_board.get_ready()

    hookenv.status_set.assert_called_once_with("active", "ready")
    set_flag.assert_called_once_with("bulletin-board.ready")
