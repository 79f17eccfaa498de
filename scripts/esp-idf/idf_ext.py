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
_MANIFEST = ('--manifest', _VALUE, 'root manifest (default: ota/manifest.json)')
_SIGNING = [
    ('--sign-key', _REPEATABLE, 'sign with this private key (PEM file)'),
    ('--sign-command', _REPEATABLE, 'sign with a program: bytes on stdin, raw signature on stdout'),
    ('--sign-public', _REPEATABLE, 'public key of a --sign-command, if the key set does not contain it'),
    ('--passphrase-file', _VALUE, 'read the passphrase of the private key from a file'),
]
_DRY_RUN = ('--dry-run', _FLAG, 'check everything without writing or sending')
_OUTPUT = [
    ('--json', _FLAG, 'print one JSON document to standard output'),
    ('--verbose', _FLAG, 'print more details, including the cause of an error'),
    ('--quiet', _FLAG, 'print only warnings and errors'),
]
_OPTIONS = {
    'package': [
        _MANIFEST,
        ('--binary', _VALUE, 'app image (default: the one of this build)'),
        ('--version', _VALUE, 'version of the release (default: the version of this build)'),
        ('--project', _VALUE, 'name of the artifact (default: the name of the project)'),
        ('--output', _VALUE, 'folder in which to create <version>/ (default: versions/ next to the root manifest)'),
        ('--artifact-name', _VALUE, 'file name of the packaged image (default: <project>-<version>.bin)'),
        ('--label', _VALUE, 'label of the version in the root manifest'),
        ('--update-manifest', _FLAG, 'add the version to the root manifest, or replace its entry'),
        *_SIGNING,
        ('--force', _FLAG, 'replace a release of this version that has other bytes'),
        _DRY_RUN,
        *_OUTPUT,
    ],
    'deploy': [
        _MANIFEST,
        ('--version', _VALUE, 'version to deliver (default: the version of this build)'),
        ('--transport', _REPEATABLE, 'mqtt, https or serial (default: the artifact\'s protocols)'),
        ('--device', _REPEATABLE, 'deliver only to this device'),
        ('--device-file', _VALUE, 'deliver only to the devices listed in this file, one per line'),
        ('--expect', _VALUE, 'number of devices that must succeed'),
        ('--wait', _VALUE, 'state that devices must reach: confirmed, downloaded or none'),
        ('--timeout', _VALUE, 'time limit of the delivery in seconds'),
        ('--mode', _VALUE, 'MQTT: send the image in chunks, or as one message (chunked or blob)'),
        ('--broker', _VALUE, 'broker to use instead of the manifest\'s; embedded starts one in this process'),
        ('--keys', _VALUE, 'folder of the key sets (default: keys/ next to the root manifest)'),
        *_SIGNING,
        ('--allow-insecure', _FLAG, 'allow credentials without encryption, and certificates that are not checked'),
        _DRY_RUN,
        *_OUTPUT,
    ],
    'validate': [
        _MANIFEST,
        ('--format', _VALUE, 'text, or github for annotations of a GitHub workflow'),
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
                'tinybms-ota is not installed: install the tarballs of TinyBMS OTA (`pnpm pack:all` there) in the project\'s folder',
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
                'help': 'Check the release line and list every problem, with `tinybms-ota validate`.',
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
