# One image, every process: `docker run IMAGE web`, `worker --queue urgent`, `clock`.
FROM python:3.13-slim AS build
WORKDIR /src
COPY requirements-build.lock requirements.lock ./
RUN python -m venv /opt/breachclock \
 && /opt/breachclock/bin/pip install --no-cache-dir --require-hashes --no-deps -r requirements.lock \
 && python -m pip install --no-cache-dir --require-hashes --no-deps -r requirements-build.lock
COPY . .
RUN python -m pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /dist . \
 && /opt/breachclock/bin/pip install --no-cache-dir --no-deps /dist/*.whl

FROM python:3.13-slim
RUN useradd --system --uid 10001 --home-dir /var/lib/breachclock --create-home breachclock
COPY --from=build /opt/breachclock /opt/breachclock
USER breachclock
WORKDIR /var/lib/breachclock
ENV PATH=/opt/breachclock/bin:$PATH PYTHONUNBUFFERED=1 BREACHCLOCK_HOME=/var/lib/breachclock BREACHCLOCK_BIND=0.0.0.0:8072
EXPOSE 8072
ENTRYPOINT ["breachclock"]
CMD ["web"]
