"""Commands of `tinybms-ota` in `idf.py`: ota-package, ota-deploy and ota-validate.

Copy the file into the project's folder, beside its top CMakeLists.txt: idf.py loads an `idf_ext.py` that stands there
(tools/idf.py, "Load extensions from project dir"; tools/idf_py_actions/README.md), or from the folders that the
environment variable IDF_EXTRA_ACTIONS_PATH names.

    idf.py ota-package --update-manifest --label "Spring release"
    idf.py ota-deploy --version 1.2.3 --expect 3
    idf.py ota-validate

Options are those of `tinybms-ota`, and so are the exit codes. `ota-package` builds first, and packages the app that
this build made under its project name and version. Works with ESP-IDF 4.4 and newer (Python 3.7).
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

# Options by command: name, whether it is a flag, whether it may be repeated, what it does.
_FLAG, _VALUE, _REPEATABLE = 'flag', 'value', 'repeatable'
_MANIFEST = ('--manifest', _VALUE, 'the root manifest; ota/manifest.json without it')
_SIGNING = [
    ('--sign-key', _REPEATABLE, 'sign with this private key, a PEM file'),
    ('--sign-command', _REPEATABLE, 'sign with this command'),
    ('--sign-public', _REPEATABLE, 'public key that a --sign-command signs with'),
    ('--passphrase-file', _VALUE, 'file with the passphrase of the private keys'),
]
_DRY_RUN = ('--dry-run', _FLAG, 'check everything and change nothing')
_OUTPUT = [
    ('--json', _FLAG, 'print one JSON document'),
    ('--verbose', _FLAG, 'say more, with the origin of errors'),
    ('--quiet', _FLAG, 'say only what is wrong'),
]
_OPTIONS = {
    'package': [
        _MANIFEST,
        ('--binary', _VALUE, 'the app image; that of this build without it'),
        ('--version', _VALUE, 'the version; that of this build without it'),
        ('--project', _VALUE, 'name of the artifact; the project\'s name without it'),
        ('--output', _VALUE, 'folder that gets <version>/; versions/ beside the manifest without it'),
        ('--artifact-name', _VALUE, 'file name of the copy; <project>-<version>.bin without it'),
        ('--label', _VALUE, 'label of the manifest\'s entry'),
        ('--update-manifest', _FLAG, 'add the version to the root manifest, or replace its entry'),
        *_SIGNING,
        ('--force', _FLAG, 'replace a version that was released with other bytes'),
        _DRY_RUN,
        *_OUTPUT,
    ],
    'deploy': [
        _MANIFEST,
        ('--version', _VALUE, 'the version to deliver; that of this build without it'),
        ('--transport', _REPEATABLE, 'mqtt, https or serial; without it the artifact\'s protocols decide'),
        ('--device', _REPEATABLE, 'deliver to this device alone'),
        ('--device-file', _VALUE, 'deliver to the devices that a file names, one on each line'),
        ('--expect', _VALUE, 'how many devices must end well'),
        ('--wait', _VALUE, 'how far devices must come: confirmed, downloaded or none'),
        ('--timeout', _VALUE, 'seconds that the delivery may take'),
        ('--mode', _VALUE, 'how the image travels: chunked or blob'),
        ('--broker', _VALUE, 'URL of the broker, above the manifest\'s; embedded starts one here'),
        ('--keys', _VALUE, 'folder of the product\'s key sets; keys/ beside the manifest without it'),
        *_SIGNING,
        ('--allow-insecure', _FLAG, 'let credentials go unencrypted and certificates unchecked where a channel says so'),
        ('--rollout', _VALUE, 'shares of the fleet, one after the other: 1%,10%,100%'),
        ('--hold', _VALUE, 'seconds between two shares'),
        ('--abort-on', _VALUE, 'share of failed devices that ends the rollout: 2%'),
        ('--resume', _VALUE, 'journal of a rollout to go on with'),
        _DRY_RUN,
        *_OUTPUT,
    ],
    'validate': [
        _MANIFEST,
        ('--format', _VALUE, 'how problems are written: text or github'),
        *_OUTPUT,
    ],
}


def action_extensions(base_actions, project_path):
    """What idf.py asks an extension for.

    :param base_actions: the actions that are there already; left as they are
    :param project_path: the project's folder
    :return: a dict with `version` (of the interface, for ESP-IDF 6) and `actions`
    """

    def run(command, options):
        program = _find_command(project_path)
        if program is None:
            print(
                'tinybms-ota is not there: `npm install --save-dev @tinybms/ota-publisher` in the project\'s folder',
                file=sys.stderr,
            )
            sys.exit(1)
        argv = [*program, command, *_argv_of(command, options)]
        exit_code = subprocess.run(argv, cwd=project_path).returncode
        # idf.py's FatalError would make a 2 of everything; CI scripts tell 1 from 2.
        if exit_code != 0:
            sys.exit(exit_code)

    def ota_package(action, ctx, args, **options):
        build = _description(args)
        if not options.get('binary'):
            options['binary'] = str(Path(args.build_dir).resolve() / _needed(build, 'app_bin', args))
        options['project'] = options.get('project') or build.get('project_name')
        options['version'] = options.get('version') or build.get('project_version')
        run('package', options)

    def ota_deploy(action, ctx, args, **options):
        options['version'] = options.get('version') or _needed(_description(args), 'project_version', args)
        run('deploy', options)

    def ota_validate(action, ctx, args, **options):
        run('validate', options)

    return {
        'version': '1',
        'actions': {
            'ota-package': {
                'callback': ota_package,
                'short_help': 'Make a release of this build.',
                'help': 'Build the app and make a release of it, with `tinybms-ota package`.',
                'options': _click_options('package'),
                'dependencies': ['all'],
            },
            'ota-deploy': {
                'callback': ota_deploy,
                'short_help': 'Deliver a release to devices.',
                'help': 'Deliver a release to devices, with `tinybms-ota deploy`.',
                'options': _click_options('deploy'),
                'order_dependencies': ['all', 'ota-package'],
            },
            'ota-validate': {
                'callback': ota_validate,
                'short_help': 'Check the release line.',
                'help': 'Check the release line and list every fault, with `tinybms-ota validate`.',
                'options': _click_options('validate'),
                'order_dependencies': ['all', 'ota-package'],
            },
        },
    }


def _click_options(command):
    """The options of a command as idf.py takes them: keyword arguments of click.Option, with `names`."""
    kinds = {_FLAG: {'is_flag': True, 'default': False}, _VALUE: {'default': None}, _REPEATABLE: {'multiple': True}}
    return [{'names': [name], 'help': help_text, **kinds[kind]} for name, kind, help_text in _OPTIONS[command]]


def _argv_of(command, options):
    """The options that were given, as arguments of `tinybms-ota`, in the order of the table."""
    argv = []
    for name, kind, _ in _OPTIONS[command]:
        value = options.get(name[2:].replace('-', '_'))
        if kind == _FLAG:
            argv += [name] if value else []
        elif kind == _VALUE:
            argv += [] if value is None else [name, str(value)]
        else:
            for item in value or ():
                argv += [name, str(item)]
    return argv


def _description(args):
    """build/project_description.json, which every configuration of the project writes; empty without one."""
    try:
        return json.loads((Path(args.build_dir) / 'project_description.json').read_text(encoding='utf-8'))
    except (OSError, ValueError):
        return {}


def _needed(description, member, args):
    if description.get(member):
        return description[member]
    print(
        f'{Path(args.build_dir) / "project_description.json"} does not say {member}: build first, or name '
        + ('--binary' if member == 'app_bin' else '--version'),
        file=sys.stderr,
    )
    sys.exit(2)


def _find_command(project_path):
    """The command as a list: from node_modules of the project's folder or of one above it, PATH, or npx; or None."""
    name = 'tinybms-ota.cmd' if os.name == 'nt' else 'tinybms-ota'
    folder = Path(project_path).resolve()
    for parent in (folder, *folder.parents):
        local = parent / 'node_modules' / '.bin' / name
        if local.exists():
            return [str(local)]
    on_path = shutil.which('tinybms-ota')
    if on_path:
        return [on_path]
    npx = shutil.which('npx')
    if npx is None:
        return None
    # Offline: without it npx asks the registry even for what it must not install.
    with_npx = [npx, '--offline', '--no-install', 'tinybms-ota']
    quiet = {'stdout': subprocess.DEVNULL, 'stderr': subprocess.DEVNULL}
    probe = subprocess.run([*with_npx, '--version'], cwd=project_path, **quiet)
    return with_npx if probe.returncode == 0 else None
