"""What importing costs those who need no sign-in."""

import subprocess
import sys


def test_tables_and_rules_of_accounts_do_not_load_the_sign_in_library():
    code = "import accounts.models, accounts.people, sys; print('flask_security' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"
