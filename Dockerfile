# syntax=docker/dockerfile:1
# The server with its web page. Two build stages leave nothing behind but packages and files.

FROM node:22-slim AS web
WORKDIR /build/clients/web
COPY clients/web/package.json clients/web/package-lock.json ./
RUN npm ci --no-audit --no-fund
# The map's town labels are made from the gazetteer.
COPY geo/data /build/geo/data
COPY clients/web ./
RUN npm run build

FROM python:3.11-slim AS packages
COPY requirements/run.lock /run.lock
RUN python -m venv /opt/venv \
 && /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r /run.lock

FROM python:3.11-slim
# The fonts of waybills and trip reports (server/pdf/fonts.py).
RUN apt-get update && apt-get install -y --no-install-recommends fonts-dejavu-core fonts-droid-fallback \
 && rm -rf /var/lib/apt/lists/*
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin desk
# A new volume mounted here takes over this owner.
RUN install -d -o desk -m 700 /var/lib/desk
WORKDIR /app
COPY --from=packages /opt/venv /opt/venv
COPY geo ./geo
COPY billing ./billing
COPY dispatch ./dispatch
COPY storage ./storage
COPY server ./server
COPY docs ./docs
COPY --from=web /build/clients/web/dist ./clients/web/dist
ENV PATH=/opt/venv/bin:$PATH PYTHONPATH=/app PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 DESK_HOST=0.0.0.0 DESK_PORT=8080 \
    DESK_FILES=/var/lib/desk/files
# Compiled now: the file system is read-only later.
RUN python -m compileall -q geo billing dispatch storage server
USER desk
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["python", "-m", "server", "ready"]
ENTRYPOINT ["python", "-m", "server"]
CMD ["serve"]
