@echo off
rem Runs tinybms-sim from source with the workspace's Node. Installs the workspace on first use, and again when the lockfile has changed.
setlocal
set "root=%~dp0"
fc /b "%root%pnpm-lock.yaml" "%root%node_modules\.pnpm\lock.yaml" >nul 2>&1
if errorlevel 1 (
  echo Installing the workspace in %root% ... 1>&2
  pushd "%root%"
  call npx -y pnpm@12 install --frozen-lockfile 1>&2
  if errorlevel 1 exit /b 1
  popd
)
"%root%node_modules\node\bin\node.exe" --conditions=@tinybms/source "%root%firmware-sim\src\bin\tinybms-sim.ts" %*
