#!/bin/sh
# Generates src/onnx/onnx_pb.ts from the ONNX schema in src/onnx/proto/onnx.proto. The generators are fetched by npx; they
# are not dependencies of the project. Run it from anywhere after changing the schema, and commit the result.
set -eu
cd "$(dirname "$0")/.."
npx --yes -p @bufbuild/buf@1.75 -p @bufbuild/protoc-gen-es@2.17 buf generate src/onnx/proto --template '{
  "version": "v2",
  "plugins": [{ "local": "protoc-gen-es", "out": "src/onnx", "opt": ["target=ts", "import_extension=js"] }]
}'
