# One image for web, worker and beat; docker-compose.yml says which runs what.
FROM node:22-slim AS front-end
WORKDIR /gezhi
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund

FROM python:3.11-slim
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 DJANGO_SETTINGS_MODULE=governance.settings.production
WORKDIR /gezhi
COPY requirements.txt ./
RUN pip install --no-cache-dir --require-hashes --no-deps --only-binary :all: -r requirements.txt
COPY . .
COPY --from=front-end /gezhi/node_modules node_modules
# Collecting needs no database; the values only have to be well formed, and none of them stays in the image.
RUN python scripts/install_frontend.py --copy-only && rm -rf node_modules \
 && python -m governance.stack translations \
 && SECRET_KEY=0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghij ALLOWED_HOSTS=build.invalid \
    DATABASE_URL=postgres://build@build.invalid/build REDIS_URL=redis://build.invalid/0 \
    python manage.py collectstatic --noinput --verbosity 0 \
 && useradd --system --no-create-home gezhi && mkdir -p /media && chown gezhi /media
USER gezhi
EXPOSE 8000
CMD ["gunicorn", "governance.wsgi:application", "--bind", "0.0.0.0:8000", "--worker-class", "gthread", \
     "--workers", "4", "--threads", "8", "--timeout", "60", "--no-control-socket", "--worker-tmp-dir", "/dev/shm"]
