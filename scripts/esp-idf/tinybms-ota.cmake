# Packages the app with `tinybms-ota package` after each `idf.py build`. In the project's top CMakeLists.txt:
#
#   include($ENV{IDF_PATH}/tools/cmake/project.cmake)
#   project(gateway)
#   include(tools/tinybms-ota.cmake)
#
# One file, to be copied into the project or included where it is. Settings are cache variables: `idf.py
# -DTINYBMS_OTA_LABEL=Beta build`, or set() before the include():
#
#   TINYBMS_OTA                  ON                 OFF leaves releases alone
#   TINYBMS_OTA_MANIFEST         ota/manifest.json  the root manifest, seen from the project's folder
#   TINYBMS_OTA_LABEL            -                  label of the manifest's entry
#   TINYBMS_OTA_UPDATE_MANIFEST  ON                 add the version to the root manifest, or replace its entry
#   TINYBMS_OTA_ARGS             -                  more options of `package`, separated by `;`: --force
#   TINYBMS_OTA_COMMAND          -                  the command where it should not be looked for, as a list too
#   TINYBMS_OTA_STRICT           OFF                ON fails the build where the app could not be packaged
#
# The command is looked for in node_modules/.bin of the project's folder and of those above it, on PATH, and then by
# `npx --no-install`. Where there is none, or where it refuses the release, a warning says so and the build goes on.
# Nothing is done while app, root manifest and settings are the same as at the last time.
#
# Works with ESP-IDF 4.4 and newer. What it knows of ESP-IDF: the targets `app` and `gen_project_binary`
# (components/esptool_py), the build properties PROJECT_NAME, PROJECT_VER, PROJECT_DIR, BUILD_DIR and EXECUTABLE_NAME
# (tools/cmake/build.cmake), and that the app is <BUILD_DIR>/<EXECUTABLE_NAME>.bin (tools/cmake/project.cmake).

cmake_policy(VERSION 3.16)
set(_tinybms_ota_file "${CMAKE_CURRENT_LIST_FILE}")

# A setting that neither the command line nor the project has set.
macro(_tinybms_ota_setting name default type help)
    if(NOT DEFINED ${name})
        set(${name} "${default}" CACHE ${type} "${help}")
    endif()
endmacro()

# Adds the target that packages the app after each build.
function(_tinybms_ota_add_target)
    if(NOT COMMAND idf_build_get_property)
        message(WARNING "tinybms-ota: no ESP-IDF project is here, or project() comes later: nothing is packaged")
        return()
    endif()
    if(NOT TARGET app AND NOT TARGET gen_project_binary)
        message(WARNING "tinybms-ota: this build makes no app image, or project() comes later: nothing is packaged")
        return()
    endif()
    idf_build_get_property(name PROJECT_NAME)
    idf_build_get_property(version PROJECT_VER)
    idf_build_get_property(project_dir PROJECT_DIR)
    idf_build_get_property(build_dir BUILD_DIR)
    idf_build_get_property(executable EXECUTABLE_NAME)
    if(NOT executable)
        set(executable "${name}")
    endif()

    get_filename_component(manifest "${TINYBMS_OTA_MANIFEST}" ABSOLUTE BASE_DIR "${project_dir}")
    # A file, because no shell or generator gets to see what stands in it.
    set(settings "${build_dir}/tinybms-ota/settings.cmake")
    file(WRITE "${settings}"
        "set(binary [====[${build_dir}/${executable}.bin]====])\n"
        "set(name [====[${name}]====])\n"
        "set(version [====[${version}]====])\n"
        "set(project_dir [====[${project_dir}]====])\n"
        "set(manifest [====[${manifest}]====])\n"
        "set(label [====[${TINYBMS_OTA_LABEL}]====])\n"
        "set(update_manifest [====[${TINYBMS_OTA_UPDATE_MANIFEST}]====])\n"
        "set(args [====[${TINYBMS_OTA_ARGS}]====])\n"
        "set(command [====[${TINYBMS_OTA_COMMAND}]====])\n"
        "set(strict [====[${TINYBMS_OTA_STRICT}]====])\n"
    )

    # ESP-IDF declares no rule for the .bin, so that no rule can depend on it: the script itself sees what is new.
    add_custom_target(tinybms-ota-package ALL
        COMMAND ${CMAKE_COMMAND} "-DTINYBMS_OTA_SETTINGS=${settings}" -P "${_tinybms_ota_file}"
        COMMENT "tinybms-ota: packaging the app if it is new"
        VERBATIM
    )
    foreach(target IN ITEMS app gen_project_binary)
        if(TARGET ${target})
            add_dependencies(tinybms-ota-package ${target})
        endif()
    endforeach()
endfunction()

# The command as a list; empty where there is none.
function(_tinybms_ota_find_command result)
    set(${result} "${command}" PARENT_SCOPE)
    if(command)
        return()
    endif()
    set(program tinybms-ota)
    if(CMAKE_HOST_WIN32)
        set(program tinybms-ota.cmd)
    endif()
    set(folder "${project_dir}")
    while(TRUE)
        if(EXISTS "${folder}/node_modules/.bin/${program}")
            set(${result} "${folder}/node_modules/.bin/${program}" PARENT_SCOPE)
            return()
        endif()
        get_filename_component(parent "${folder}" DIRECTORY)
        if(parent STREQUAL folder)
            break()
        endif()
        set(folder "${parent}")
    endwhile()
    find_program(on_path NAMES ${program})
    if(on_path)
        set(${result} "${on_path}" PARENT_SCOPE)
        return()
    endif()
    find_program(npx NAMES npx.cmd npx)
    if(npx)
        # Offline: without it npx asks the registry even for what it must not install.
        set(with_npx "${npx}" --offline --no-install tinybms-ota)
        execute_process(
            COMMAND ${with_npx} --version
            WORKING_DIRECTORY "${project_dir}" RESULT_VARIABLE exit_code OUTPUT_QUIET ERROR_QUIET
        )
        if(exit_code EQUAL 0)
            set(${result} "${with_npx}" PARENT_SCOPE)
        endif()
    endif()
endfunction()

# What a release depends on, in one line.
function(_tinybms_ota_fingerprint result)
    set(${result} "" PARENT_SCOPE)
    set(hashes "")
    foreach(file IN ITEMS "${binary}" "${manifest}" "${TINYBMS_OTA_SETTINGS}")
        if(NOT EXISTS "${file}")
            return()
        endif()
        file(SHA256 "${file}" hash)
        list(APPEND hashes "${hash}")
    endforeach()
    string(REPLACE ";" " " hashes "${hashes}")
    set(${result} "${hashes}" PARENT_SCOPE)
endfunction()

# Says why the app is not packaged; that ends the build only where the project wants it.
function(_tinybms_ota_not_packaged reason)
    if(strict)
        message(FATAL_ERROR "tinybms-ota: ${reason}")
    endif()
    message(WARNING "tinybms-ota: ${reason}\nThe build goes on without a release; TINYBMS_OTA_STRICT=ON would fail it.")
endfunction()

function(_tinybms_ota_package)
    get_filename_component(stamp "${TINYBMS_OTA_SETTINGS}" DIRECTORY)
    set(stamp "${stamp}/packaged.txt")
    _tinybms_ota_fingerprint(fingerprint)
    if(fingerprint AND EXISTS "${stamp}")
        file(READ "${stamp}" last)
        if(last STREQUAL fingerprint)
            return()
        endif()
    endif()

    _tinybms_ota_find_command(tinybms_ota)
    if(NOT tinybms_ota)
        _tinybms_ota_not_packaged(
            "the command tinybms-ota is not installed: install the tarballs of TinyBMS OTA (`pnpm pack:all` there), or set TINYBMS_OTA=OFF"
        )
        return()
    endif()
    set(options --binary "${binary}" --manifest "${manifest}" --project "${name}")
    if(NOT version STREQUAL "")
        list(APPEND options --version "${version}")
    endif()
    if(NOT label STREQUAL "")
        string(REPLACE ";" "\\;" label "${label}")
        list(APPEND options --label "${label}")
    endif()
    if(update_manifest)
        list(APPEND options --update-manifest)
    endif()
    execute_process(
        COMMAND ${tinybms_ota} package ${options} ${args}
        WORKING_DIRECTORY "${project_dir}" RESULT_VARIABLE exit_code
    )
    if(NOT exit_code EQUAL 0)
        _tinybms_ota_not_packaged("the app was not packaged (exit code ${exit_code}); the reason stands above")
        return()
    endif()
    # Again: the command has changed the manifest.
    _tinybms_ota_fingerprint(fingerprint)
    file(WRITE "${stamp}" "${fingerprint}")
endfunction()

if(CMAKE_SCRIPT_MODE_FILE)
    include("${TINYBMS_OTA_SETTINGS}")
    _tinybms_ota_package()
    return()
endif()

_tinybms_ota_setting(TINYBMS_OTA ON BOOL "Package the app with tinybms-ota after each build")
_tinybms_ota_setting(TINYBMS_OTA_MANIFEST "ota/manifest.json" STRING "Root manifest, seen from the project's folder")
_tinybms_ota_setting(TINYBMS_OTA_LABEL "" STRING "Label of the manifest's entry")
_tinybms_ota_setting(TINYBMS_OTA_UPDATE_MANIFEST ON BOOL "Add the version to the root manifest")
_tinybms_ota_setting(TINYBMS_OTA_ARGS "" STRING "More options of tinybms-ota package")
_tinybms_ota_setting(TINYBMS_OTA_COMMAND "" STRING "The command tinybms-ota, where it should not be looked for")
_tinybms_ota_setting(TINYBMS_OTA_STRICT OFF BOOL "Fail the build where the app could not be packaged")

if(TINYBMS_OTA)
    _tinybms_ota_add_target()
endif()
